/*
 * What a person pastes into the search is a message, a name or a command, never a query: the search would take `-p`
 * for “pages without p”, `FATAL:` for a field, `*` and `~` for patterns. Words alone reach it, split as the index is;
 * a whole word counts more than the beginning of one.
 */
(function () {
  "use strict";
  const QUERY = 2; // the type of a message that asks
  const WHOLE = 10; // how much more a whole word counts
  const post = window.Worker.prototype.postMessage;

  function asked(text) {
    const words = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}.]+/gu, " ")
      .replace(/\.(?!\p{N})|(?<!\p{N})\./gu, " ")
      .split(/\s+/)
      .filter(Boolean);
    return [...new Set(words)].map((word) => `${word}^${WHOLE} ${word}`).join(" ");
  }

  window.Worker.prototype.postMessage = function (message, ...rest) {
    const asks = message && message.type === QUERY && typeof message.data === "string";
    return post.call(this, asks ? { ...message, data: asked(message.data) } : message, ...rest);
  };
})();
