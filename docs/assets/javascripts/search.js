/* The theme looks at the search field when a key is let go. What is pasted by mouse or by touch, dropped, or spoken
   comes without a key. */
(() => {
  "use strict";
  const field = document.querySelector(".md-search__input");
  field?.addEventListener("input", () => field.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true })));

  // On a slow machine the answer to the last letters comes when a person already stands on a hit: the theme writes the
  // list anew and the focus is gone, so that Enter does nothing. They stay at the same place of the list.
  const list = document.querySelector(".md-search-result__list");
  const links = () => [...list.querySelectorAll("a")];
  let stoodOn, place;
  list?.addEventListener("focusin", ({ target }) => {
    stoodOn = target;
    place = links().indexOf(target);
  });
  if (list) {
    new MutationObserver(() => {
      if (!stoodOn || stoodOn.isConnected || document.activeElement !== document.body) return;
      (links()[place] || links()[0])?.focus();
    }).observe(list, { childList: true });
  }
})();
