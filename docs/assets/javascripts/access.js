/* For keyboards, screen readers and printers: what the theme leaves open. */
(() => {
  "use strict";

  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  for (const box of document.querySelectorAll(".task-list-item input")) {
    box.setAttribute("aria-label", box.closest("li").textContent.trim());
  }

  /* Whoever has no mouse scrolls a wide block with the arrow keys: it must take the focus. */
  function reachWideBlocks(within = document) {
    for (const block of within.querySelectorAll("pre > code, .md-typeset__scrollwrap")) {
      const wide = block.scrollWidth > block.clientWidth || block.scrollHeight > block.clientHeight;
      if (wide && block.clientWidth) block.tabIndex = 0;
    }
  }
  reachWideBlocks();
  window.addEventListener("load", () => reachWideBlocks()); // the theme wraps tables when it starts
  window.addEventListener("resize", () => reachWideBlocks());
  document.addEventListener("toggle", (event) => event.target.open && reachWideBlocks(event.target), true);

  /* On paper nothing can be opened. */
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".md-content details:not([open])")];
    for (const block of opened) block.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const block of opened) block.open = false;
  });
})();
