/* The theme looks at the search field when a key is let go. What is pasted by mouse or by touch, dropped, or spoken
   comes without a key. */
(() => {
  "use strict";
  const field = document.querySelector(".md-search__input");
  field?.addEventListener("input", () => field.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true })));
})();
