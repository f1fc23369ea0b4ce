/* Asked of a page by the tests of the site. */
globalThis.probe = {
  /* Where things are, from the top of the page; null for what is not there. */
  places() {
    const edge = (selector, side) => {
      const found = document.querySelector(selector);
      return found ? found.getBoundingClientRect()[side] + scrollY : null;
    };
    return {
      title: edge("h1", "bottom"),
      strip: edge(".rb-status", "bottom"),
      risk: edge(".rb-risk", "bottom"),
      time: edge(".rb-time", "bottom"),
      escalate: edge(".rb-escalate", "bottom"),
      command: edge(".rb-command", "top"),
      copy: edge(".rb-command [data-clipboard-target]", "bottom"),
      overflow: document.documentElement.scrollWidth - innerWidth,
    };
  },

  /* What the clipboard is given when each copy button is pressed, in order. */
  copied() {
    const got = [];
    const read = () => {
      const field = document.activeElement;
      got.push(field.value.substring(field.selectionStart, field.selectionEnd));
    };
    document.addEventListener("copy", read);
    for (const button of document.querySelectorAll(".rb-command [data-clipboard-target]")) button.click();
    document.removeEventListener("copy", read);
    return got;
  },

  /* Every rule but contrast on the whole page; contrast in both schemes for every pair of colours not seen before. */
  async violations(seen) {
    if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done));
    const known = new Set(seen);
    const style = document.createElement("style");
    style.textContent = "* { transition: none !important; animation: none !important; }";
    document.head.append(style);
    for (const block of document.querySelectorAll("details:not(.rb-ways)")) block.open = true;
    const found = [];
    const judge = async (scheme, context, options) => {
      const result = await axe.run(context, { resultTypes: ["violations"], iframes: false, preload: false, ...options });
      for (const { id, impact, nodes } of result.violations)
        if (impact === "serious" || impact === "critical")
          for (const node of nodes) found.push(`${scheme}: ${id}: ${(node.target ?? []).join(" ")}: ${node.html.slice(0, 200)}`);
    };
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    // the menu is the same on every page: it is judged on the first one
    if (known.size) for (const menu of document.querySelectorAll(".md-sidebar")) menu.remove();
    const rules = Object.fromEntries(this.apart().map((rule) => [rule, { enabled: false }]));
    await judge("any", document, { selectors: false, rules });
    for (const scheme of ["default", "slate"]) {
      document.body.setAttribute("data-md-color-scheme", scheme);
      const fresh = this.fresh(scheme, known);
      if (fresh.length) await judge(scheme, { include: fresh }, { runOnly: ["color-contrast"] });
    }
    return { violations: found, seen: [...known] };
  },

  /* Contrast is judged apart; what axe rates moderate or minor costs time, and is not asked for. */
  apart() {
    const landmarks = axe.getRules().map(({ ruleId }) => ruleId).filter((rule) => rule.startsWith("landmark-"));
    return ["color-contrast", "region", "heading-order", "skip-link", "empty-heading", ...landmarks];
  },

  /* One element for each way that text is shown: colours, opacity and size of it and of all it stands on. */
  fresh(scheme, known) {
    const ways = new Map([[null, scheme]]);
    const way = (element) => {
      if (!ways.has(element)) {
        const { color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight } = getComputedStyle(element);
        const own = `${color} ${backgroundColor} ${backgroundImage} ${opacity} ${fontSize} ${fontWeight}`;
        const above = way(element.parentElement);
        // what changes nothing is left out, so that depth alone makes no difference
        ways.set(element, above.endsWith(own) ? above : `${above} > ${own}`);
      }
      return ways.get(element);
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
      const element = text.parentElement;
      if (!text.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
      if (known.has(way(element)) || !element.getClientRects().length) continue;
      known.add(way(element));
      found.push(element);
    }
    return found;
  },
};
