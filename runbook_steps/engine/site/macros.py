"""What the pages call: `status()`, `procedure(name)` and the lists. Wiring only."""

from __future__ import annotations

import datetime as dt
import gc
import html
import json
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from pathspec import GitIgnoreSpec

from runbook_steps.engine.checks.pages import check_project
from runbook_steps.engine.errors import RunbookError
from runbook_steps.engine.model import Procedure, Runbook
from runbook_steps.engine.project.house import Macro, house_of
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.proof.alert_trials import read_trials
from runbook_steps.engine.proof.evidence_file import EVIDENCE_SCHEMA, evidence_schema
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.site.blocks.alerts import alert_index
from runbook_steps.engine.site.blocks.commands import folded_text
from runbook_steps.engine.site.blocks.finding import error_list, found_by, service_list, severity_list, start_here
from runbook_steps.engine.site.blocks.no_undo import no_undo_table
from runbook_steps.engine.site.blocks.page_end import page_end
from runbook_steps.engine.site.blocks.page_start import page_start
from runbook_steps.engine.site.blocks.procedure import procedure_block
from runbook_steps.engine.site.blocks.proof import proof_counts, proof_matrix, proof_tables, slowest
from runbook_steps.engine.site.blocks.reference_tables import (
    escalation_table,
    link_list,
    severity_table,
    team_table,
    vendor_table,
)
from runbook_steps.engine.site.blocks.status import runbook_list, section_list, status_strip, symptom_list
from runbook_steps.engine.site.blocks.trend_and_badges import (
    badge_json,
    badge_svg,
    flaky_table,
    overall_badge,
    runbook_badge,
    trend,
)
from runbook_steps.engine.site.blocks.worth import worth_of_runbook, worth_table
from runbook_steps.engine.site.build.evidence_views import PROOF_PAGE, EvidenceViews
from runbook_steps.engine.site.build.made_html import MadeHtml, made
from runbook_steps.engine.site.build.short_addresses import write_redirects, write_short_links
from runbook_steps.engine.site.build.theme import dress
from runbook_steps.engine.site.machines.alerting import WATCHDOG_URL, alertmanager_config, prometheus_rules, word
from runbook_steps.engine.site.machines.catalog import catalog_schema
from runbook_steps.engine.site.machines.cloudwatch import alarms_template
from runbook_steps.engine.site.machines.dashboards import dashboards
from runbook_steps.engine.site.machines.publisher import Publisher
from runbook_steps.engine.site.navigation import left_out, navigation, ordered, page_list
from runbook_steps.engine.site.search.index import make_index
from runbook_steps.engine.site.search.install import install_search
from runbook_steps.engine.site.search_weights import search_settings
from runbook_steps.engine.site.words import show_times_in
from runbook_steps.engine.sources.alerts_file import alerts_json
from runbook_steps.engine.sources.page_file import MacroCall

__all__ = ["define_env", "on_post_build", "on_post_page_macros", "on_pre_page_macros"]


def define_env(env: Any) -> None:
    """Called by mkdocs-macros before a build: checks the project, stops the build when a rule is broken."""
    root = Path(env.project_dir)
    project = _checked(root)
    env.conf.nav = env.conf.nav or navigation(project.pages, project.order)
    env.conf.not_in_nav = GitIgnoreSpec.from_lines(left_out(project.pages, project.order))
    _made_html(env, root)
    _watch(env, root)
    env.rb_project = project
    show_times_in(project.settings.time_zone)
    folders = env.conf["use_directory_urls"]
    env.rb_publisher = Publisher(project, env.conf["site_url"] or "")
    env.rb_evidence = EvidenceViews(project, load_settings(root), env.conf["site_name"], folders=folders)

    def current() -> Runbook:
        stem = env.page.file.src_uri.removesuffix(".md")
        runbook = project.runbook(stem)
        if runbook is None:
            raise PluginError(f"docs/{stem}.md: no runbook of this name")
        return runbook

    @env.macro  # type: ignore[untyped-decorator]
    def status() -> str:
        runbook = current()
        usual = project.settings.usual_parts
        strip = status_strip(runbook, project.evidence, project.severities, project.contacts, usual)
        leads = found_by(runbook, project.alerts, project.evidence, env.conf["site_url"], folders=folders)
        worth = worth_of_runbook(runbook, project.worth)
        return made(strip + page_start(project, runbook) + leads + worth)

    @env.macro  # type: ignore[untyped-decorator]
    def procedure(name: str) -> str:
        runbook = current()
        return procedure_block(_found(runbook, name), runbook.feature_path, project.evidence)

    @env.macro  # type: ignore[untyped-decorator]
    def symptoms() -> str:
        return symptom_list(project.runbooks, project.evidence, project.order)

    @env.macro  # type: ignore[untyped-decorator]
    def runbooks() -> str:
        return runbook_list(project.runbooks, project.evidence)

    env.macro(lambda: folded_text("The schema, as JSON", _schema_text(evidence_schema())), "evidence_schema")
    env.macro(lambda: folded_text("The schema, as JSON", _schema_text(catalog_schema())), "runbooks_schema")
    _reference(env, project)
    _finding(env, project)
    _of_the_house(env, project)
    if not gc.get_freeze_count():  # once: a preview reads the project again, and the former one must go
        gc.freeze()  # what is read lives as long as the build: the collector need not look at it again and again


def _reference(env: Any, project: Project) -> None:
    """The macros of pages that are no runbooks."""

    def section() -> str:
        folder = env.page.file.src_uri.rpartition("/")[0]
        return section_list(ordered(project.runbooks, folder, project.order), project.evidence)

    def page() -> str:
        return f"docs/{env.page.file.src_uri}"

    def matrix() -> str:
        folders = env.conf["use_directory_urls"]
        return proof_matrix(project.runbooks, project.evidence, page(), now, folders=folders)

    env.macro(lambda: severity_table(project.severities), "severities")
    env.macro(lambda: proof_tables(project.runbooks, project.evidence, page(), project.order), "proofs")
    now = dt.datetime.now(dt.UTC)
    proof = f"{PROOF_PAGE}.md" if project.page(PROOF_PAGE) else ""
    env.macro(lambda: proof_counts(project.runbooks, project.evidence, proof), "proof_counts")
    env.macro(matrix, "proof_matrix")
    env.macro(lambda: worth_table(project.runbooks, project.worth, project.order, project.worth_history), "worth")
    env.macro(lambda: slowest(project.evidence), "slowest")
    env.macro(lambda: trend(project.history), "trend")
    env.macro(lambda: flaky_table(project.history), "flaky")
    env.macro(lambda: no_undo_table(project.runbooks, page()), "no_undo")
    env.macro(lambda: escalation_table(project.severities), "escalations")
    env.macro(lambda: team_table(project.contacts), "team")
    env.macro(lambda: vendor_table(project.vendors), "vendors")
    env.macro(lambda group: link_list(project.links, group), "links")
    env.macro(section, "section")
    env.macro(lambda: page_list(project.pages, env.page.file.src_uri.rpartition("/")[0], project.order), "pages")


def _of_the_house(env: Any, project: Project) -> None:
    """The macros that the project brings itself: each is given the path of the page that calls it."""
    for name, macro in house_of(project.settings).macros.items():

        def call(macro: Macro = macro) -> str:
            try:
                return macro(project, f"docs/{env.page.file.src_uri}")
            except RunbookError as error:
                raise PluginError(str(error)) from error

        env.macro(call, name)


def _finding(env: Any, project: Project) -> None:
    """The macros of the home page and of the index of alerts."""

    def alerts() -> str:
        page = f"docs/{env.page.file.src_uri}"
        trials = read_trials(project.settings.evidence_dir)
        return alert_index(project.alerts, project.runbooks, project.severities, project.evidence, page, trials=trials)

    env.macro(lambda: start_here(project.runbooks, project.alerts, project.severities, project.order), "start")
    env.macro(lambda: error_list(project.runbooks), "messages")
    env.macro(lambda: service_list(project.runbooks), "by_service")
    env.macro(lambda: severity_list(project.runbooks, project.severities), "by_severity")
    env.macro(alerts, "alerts")
    env.variables["rb_stems"] = frozenset(runbook.stem for runbook in project.runbooks)


def on_pre_page_macros(env: Any) -> None:
    """Lets the search weigh the page, unless its head says how."""
    path = env.page.file.src_uri
    runbook = path.removesuffix(".md") in env.variables["rb_stems"]
    if settings := search_settings(path, env.rb_project.order.search, runbook=runbook):
        env.page.meta.setdefault("search", settings)


def on_post_page_macros(env: Any) -> None:
    """Writes the page as Markdown, and tells what a link preview shows."""
    stem = env.page.file.src_uri.removesuffix(".md")
    publisher: Publisher = env.rb_publisher

    def expand(call: MacroCall) -> str:
        return str(env.macros[call.macro](*([call.argument] if call.argument is not None else [])))

    publisher.write_page(stem, env.markdown, Path(env.conf["site_dir"]), expand)
    env.markdown += made(page_end(env.rb_project.runbook(stem), env.page.edit_url, env.page.file.src_uri))
    if said := publisher.description(stem):
        env.page.meta.setdefault("description", html.escape(said))  # the theme shows it as it is


def on_post_build(env: Any) -> None:
    """Publishes what is read without a page: schema, alerts, evidence, former and short addresses."""
    target = Path(env.conf["site_dir"]) / "schemas" / EVIDENCE_SCHEMA.rpartition("/")[2]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_schema_text(evidence_schema()) + "\n", encoding="utf-8")
    project: Project = env.rb_project
    site = Path(env.conf["site_dir"])
    install_search(site, make_index(project))
    write_redirects(project.runbooks, site, folders=env.conf["use_directory_urls"])
    env.rb_publisher.write_site(site, env.conf["site_name"], env.conf["site_description"])
    write_short_links(project.runbooks, site, folders=env.conf["use_directory_urls"])
    env.rb_evidence.write(site)
    _write_badges(project, site)
    (site / "alerts.json").write_text(alerts_json(project.alerts.values(), env.conf["site_url"]), "utf-8")
    _write_alerting(project, site, env.conf)


def _write_alerting(project: Project, site: Path, conf: Any) -> None:
    """Rules, routes, dashboards and alarms, where there is an alert that Prometheus can raise."""
    alerts = list(project.alerts.values())
    if not any(alert.expr for alert in alerts):
        return
    rules = prometheus_rules(alerts, conf["site_url"], word(conf["site_name"]), project.owners)
    (site / "alerts.rules.yml").write_text(rules, "utf-8")
    routes = alertmanager_config(alerts, project.severities, project.owners, WATCHDOG_URL)
    (site / "alertmanager.yml").write_text(routes, "utf-8")
    domains = {front.id: each.stem.partition("/")[0] for each in project.runbooks if (front := each.front_matter)}
    for domain, text in dashboards(alerts, conf["site_url"], conf["site_name"], domains).items():
        file = site / "dashboards" / f"{domain}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    if any(alert.cloudwatch for alert in alerts):
        text = alarms_template(alerts, conf["site_url"], conf["site_name"])
        (site / "cloudwatch-alarms.json").write_text(text, "utf-8")


def _write_badges(project: Project, site: Path) -> None:
    """`badges/<stem>.svg` of each runbook, `badges/overall.svg`, and each as JSON for a badge service."""
    said = {runbook.stem: runbook_badge(runbook, project.evidence) for runbook in project.runbooks}
    said["overall"] = overall_badge(project.runbooks, project.evidence)
    for stem, (message, tone) in said.items():
        file = site / "badges" / f"{stem}.svg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(badge_svg(message, tone), "utf-8")
        file.with_suffix(".json").write_text(badge_json(message, tone), "utf-8")


def _made_html(env: Any, root: Path) -> None:
    """Once for each theme: a preview reads the project again, and keeps its templates."""
    extensions: list[Any] = env.conf.markdown_extensions
    kept = next((each for each in extensions if isinstance(each, MadeHtml)), None)
    if kept is None:
        extensions.append(kept := MadeHtml())
        dress(env.conf.theme, root / "build/cache/templates", kept.whole)
    kept.forget()


def _checked(root: Path) -> Project:
    try:
        project = load_project(root)
    except RunbookError as error:
        raise PluginError(str(error)) from error
    if problems := check_project(project):
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise PluginError("\n".join([f"{count}, the site is not built:", *map(str, problems)]))
    return project


def _watch(env: Any, root: Path) -> None:
    """`mkdocs serve` rebuilds when a feature or the evidence changes; it can only watch what exists."""
    evidence = load_settings(root).evidence_dir
    evidence.mkdir(parents=True, exist_ok=True)
    for folder in (root / "features", evidence):
        if folder.is_dir() and str(folder) not in env.conf.watch:
            env.conf.watch.append(str(folder))


def _found(runbook: Runbook, name: str) -> Procedure:
    procedure = runbook.procedure(name)
    if procedure is None:
        raise PluginError(f"{runbook.page_path}: no scenario “{name}” in {runbook.feature_path}")
    return procedure


def _schema_text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False)
