"""Which image each service runs in: environment, then `[tool.runbooks.targets.containers]`, then the built ones."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["IMAGE_NAMES", "OWN", "image_of", "images_from"]

IMAGE_NAMES = ("postgres", "redis", "nginx", "api")
OWN = "beautycort-runbooks"  # what the images that this project builds are called: beautycort-runbooks/redis:…
# https://github.com/distribution/reference: an optional host, a path in small letters, a tag, a digest
_REFERENCE = re.compile(r"[a-z0-9][a-zA-Z0-9._:/-]{0,200}(@sha256:[0-9a-f]{64})?")


def images_from(environ: Mapping[str, str], table: Mapping[str, str], built: Mapping[str, str]) -> dict[str, str]:
    """Name → image. `CONTAINERS_POSTGRES_IMAGE` and so on win over the table, whose keys are `postgres_image`, ….

    Raises ConfigurationError for a key that is not known, and for what is no image.
    """
    known = {f"{name}_image" for name in IMAGE_NAMES}
    if unknown := sorted(set(table) - known):
        raise ConfigurationError(
            f"[tool.runbooks.targets.containers] has no setting {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )
    found = {}
    for name in IMAGE_NAMES:
        variable = f"CONTAINERS_{name.upper()}_IMAGE"
        image = str(environ.get(variable) or table.get(f"{name}_image") or built[name])
        if not _REFERENCE.fullmatch(image):
            raise ConfigurationError(f"{variable} is {image!r}: that is no name of an image, like postgres:18")
        found[name] = image
    return found


def image_of(service: str, images: Mapping[str, str]) -> str:
    """The image of a service; whatever is written in Python runs in the API's."""
    return images.get(service, images["api"])
