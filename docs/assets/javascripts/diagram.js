/* Draws the decisions of a page when a person opens them: only then Mermaid is loaded, from this very site. */
(() => {
  "use strict";

  const SMALLEST = 0.6; // drawn smaller, nobody reads it: the list below says the same
  const own = document.currentScript.src;
  const figures = document.querySelectorAll("[data-diagram]");
  let loading;
  let drawn = 0;

  for (const figure of figures) {
    const block = figure.closest("details");
    block.addEventListener("toggle", () => {
      if (block.open && !figure.dataset.scheme) draw(figure);
    });
    new MutationObserver(() => {
      if (block.open && figure.dataset.scheme !== scheme()) draw(figure);
    }).observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
  }

  function scheme() {
    return document.body.dataset.mdColorScheme || "default";
  }

  async function draw(figure) {
    figure.dataset.scheme = scheme();
    try {
      loading ??= load();
      await loading;
      window.mermaid.initialize(settings());
      const { svg } = await window.mermaid.render(`rb-diagram-${++drawn}`, figure.dataset.diagram);
      figure.innerHTML = svg; // made by Mermaid from escaped labels, and cleaned by it
      describe(figure);
      figure.hidden = false;
      figure.hidden = figure.clientWidth < SMALLEST * figure.querySelector("svg").viewBox.baseVal.width;
    } catch (error) {
      figure.hidden = true; // the list below says the same
      console.error("the diagram was not drawn:", error);
    }
  }

  function load() {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("mermaid.min.js", own);
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${script.src} cannot be loaded`));
      document.head.append(script);
    });
  }

  /* The list is the alternative for those who do not see the drawing; its links are in the list too. */
  function describe(figure) {
    const svg = figure.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "The decisions of this page, as the list below says them in words");
    svg.removeAttribute("aria-roledescription");
    for (const link of svg.querySelectorAll("a")) {
      link.setAttribute("tabindex", "-1");
      link.setAttribute("aria-hidden", "true");
      link.removeAttribute("target");
    }
  }

  function settings() {
    const style = getComputedStyle(document.body);
    const narrow = matchMedia("(max-width: 30rem)").matches; // a telephone: whole, and still to be read
    const room = narrow ? { nodeSpacing: 8, padding: 5, wrappingWidth: 105 } : { nodeSpacing: 24, padding: 10, wrappingWidth: 190 };
    const colour = (name) => style.getPropertyValue(name).trim();
    return {
      startOnLoad: false,
      securityLevel: "strict",
      theme: "base",
      fontFamily: style.fontFamily,
      flowchart: { htmlLabels: false, useMaxWidth: true, rankSpacing: 32, ...room },
      themeVariables: {
        darkMode: scheme() === "slate",
        fontSize: "14px",
        background: colour("--md-default-bg-color"),
        primaryColor: colour("--rb-panel"),
        primaryTextColor: colour("--md-default-fg-color"),
        primaryBorderColor: colour("--rb-none"),
        secondaryColor: colour("--rb-panel"),
        tertiaryColor: colour("--rb-panel"),
        lineColor: colour("--rb-none"),
        textColor: colour("--md-default-fg-color"),
        edgeLabelBackground: colour("--md-default-bg-color"),
      },
    };
  }
})();
