/* For keyboards, screen readers and printers: what the theme leaves open. */
(() => {
  "use strict";

  document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
  for (const box of document.querySelectorAll(".task-list-item input")) {
    box.setAttribute("aria-label", box.closest("li").textContent.trim());
  }

  /* Whoever has no mouse scrolls a wide block with the arrow keys: it must take the focus. How wide a block is that
     is folded away shows only when it is opened, so each of those takes it. */
  function reachWideBlocks() {
    for (const block of document.querySelectorAll("pre > code, .md-typeset__scrollwrap")) {
      const wide = block.scrollWidth > block.clientWidth || block.scrollHeight > block.clientHeight;
      if (wide || block.closest("details")) block.tabIndex = 0;
    }
  }
  reachWideBlocks();
  window.addEventListener("load", reachWideBlocks); // the theme wraps tables when it starts
  window.addEventListener("resize", reachWideBlocks);

  /* On a telephone a row of a table that is too wide stands as a block, and each cell says what it is. */
  function stackWideTables() {
    for (const around of document.querySelectorAll(".md-typeset__scrollwrap")) {
      const table = around.querySelector("table");
      if (!table || around.scrollWidth <= around.clientWidth || "wide" in table.dataset) continue;
      const names = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
      table.dataset.wide = "";
      for (const row of table.querySelectorAll("tbody tr")) {
        [...row.cells].forEach((cell, at) => { cell.dataset.label = names[at] || ""; });
      }
    }
  }
  stackWideTables();
  window.addEventListener("load", stackWideTables); // the theme wraps tables when it starts
  window.addEventListener("resize", stackWideTables);

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
