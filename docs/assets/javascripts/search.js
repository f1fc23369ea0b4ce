/*
 * What a person pastes into the search is a message, a name or a command, never a query: the search would take `-p`
 * for “pages without p”, `FATAL:` for a field, `*` and `~` for patterns. Words alone reach it, split as the index is;
 * a whole word counts more than the beginning of one, and what was typed by hand may lack a letter.
 */
(function () {
  "use strict";
  const QUERY = 2; // the type of a message that asks
  const WHOLE = 10; // how much more a whole word counts
  const TYPED = 8; // words: whoever sends more has pasted them, and pastes no slip of the hand
  const post = window.Worker.prototype.postMessage;

  function asked(text) {
    const words = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}.]+/gu, " ")
      .replace(/\.(?!\p{N})|(?<!\p{N})\./gu, " ")
      .split(/\s+/)
      .filter(Boolean);
    const typed = words.length <= TYPED;
    return [...new Set(words)]
      .map((word) => `${word}^${WHOLE} ${word}` + (typed && /^\p{L}{5,}$/u.test(word) ? ` ${word}~1` : ""))
      .join(" ");
  }

  window.Worker.prototype.postMessage = function (message, ...rest) {
    const asks = message && message.type === QUERY && typeof message.data === "string";
    return post.call(this, asks ? { ...message, data: asked(message.data) } : message, ...rest);
  };
})();
