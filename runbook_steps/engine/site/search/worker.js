/*
 * In front of the theme's own search worker. What a person pastes is a message, a name or a command, never a query:
 * the theme would take `-p` for “pages without p” and `FATAL:` for a field, so words alone reach it. It finds the
 * sections and marks the words; the order of the pages is ours, from the index that `index.py` makes.
 * `terms.py` and `rank.py` say the same in Python: a test compares the answers.
 */
(() => {
  "use strict";
  const SETUP = 0, QUERY = 2, RESULT = 3;
  const BEGUN = 0.6, SLIP = 0.7, MOST_BEGUN = 8, SHORT = 4, LONG = 8, SHOWN = 2;
  const LONGEST_PHRASE = 4, LONGEST_QUESTION = 4000, LONGEST_JOINED = 24;
  const WHOLE = 10; // how much more a whole word counts for the theme than the beginning of one
  const questions = [];
  let index, spelled, articles, around;

  /* ── text → terms ─────────────────────────────────────────────────────────── */

  const LETTERS = { أ: "ا", إ: "ا", آ: "ا", ٱ: "ا", ى: "ي", ؤ: "و" };

  function saidIn(question) {
    const begun = question.slice(0, LONGEST_QUESTION);
    const left = around ? begun.replace(around, (_, name) => ` ${name || ""} `) : begun;
    return left.trim() ? left : begun;
  }

  function words(text) {
    const plain = text
      .replace(/(?<=\p{L})['’](?=\p{L})/gu, "")
      .replace(/[\u0610-\u061a\u064b-\u065f\u0670\u0640\u0621\u0626]/g, "")
      .replace(/[أإآٱىؤ]/g, (letter) => LETTERS[letter]);
    return [...plain.matchAll(/[\p{L}\p{N}]+/gu)].flatMap(([word]) => {
      const parts = word.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2");
      const split = parts.toLowerCase().split(" ");
      return split.map((part, at) => [stem(part), at === 0 && split.length > 1 ? word.toLowerCase() : ""]);
    });
  }

  function stem(word) {
    if (/[\u0600-\u06ff]/.test(word)) return arabic(word);
    if (word.length > 4 && word.endsWith("ies")) word = word.slice(0, -3) + "y";
    else if (word.length > 3 && /s$/.test(word) && !/(ss|us|is)$/.test(word)) word = word.slice(0, -1);
    if (word.length > 5 && word.endsWith("ing")) word = single(word.slice(0, -3));
    else if (word.length > 4 && word.endsWith("ed")) word = single(word.slice(0, -2));
    return word.length > 4 && word.endsWith("e") ? word.slice(0, -1) : word;
  }

  function single(word) {
    return word.at(-1) === word.at(-2) && !"lsz".includes(word.at(-1)) ? word.slice(0, -1) : word;
  }

  function arabic(word) {
    const article = ["وال", "بال", "لل", "ال"].find((each) => word.startsWith(each) && word.length - each.length >= 3);
    word = word.slice(article ? article.length : 0);
    const ending = ["ات", "ون", "ين", "ة", "ه"].find((each) => word.endsWith(each) && word.length - each.length >= 2);
    return ending ? word.slice(0, -ending.length) : word;
  }

  function terms(text) {
    const kept = [];
    for (let at = 0; at < text.length; ) {
      let length = LONGEST_PHRASE;
      while (length && !(text.slice(at, at + length).join(" ") in index.same)) length -= 1;
      const term = length ? index.same[text.slice(at, at + length).join(" ")] : text[at];
      length = Math.max(length, 1);
      if (!index.stop.has(term)) kept.push([term, at, length]);
      at += length;
    }
    const pairs = kept.slice(1).map(([term, at, length], before) => {
      const [first, begin] = kept[before];
      return [`${first} ${term}`, begin, at + length - begin];
    });
    return [...kept, ...pairs];
  }

  /* ── a question → the pages, the best first ───────────────────────────────── */

  function ranked(question) {
    const [asked, unknown, known] = askedTerms(question);
    const score = index.pages.map(() => 0), met = index.pages.map(() => 0);
    let most = 0, surest = 0;
    for (const [term, quality] of asked) {
      const [rarity, ...places] = index.terms[term];
      most += rarity * quality;
      for (let at = 0; at < places.length; at += 2) {
        score[places[at]] += rarity * quality * places[at + 1];
        met[places[at]] += rarity * quality;
        surest = Math.max(surest, places[at + 1]);
      }
    }
    if (surest < SHOWN && unknown >= known) return [];
    return index.pages
      .map(([name, weight], place) => [score[place] * weight * (0.5 + (0.5 * met[place]) / most), name])
      .filter(([value]) => value > 0)
      .sort(([one, first], [other, second]) => other - one || (first < second ? -1 : 1))
      .map(([, name]) => name);
  }

  function askedTerms(question) {
    const found = words(saidIn(question)).flatMap(apart), asked = new Map();
    const meant = found.map(([word]) => meantBy(word));
    const ask = (term, quality) => {
      if (Object.hasOwn(index.terms, term)) asked.set(term, Math.max(asked.get(term) || 0, quality));
    };
    for (const [word, quality] of meant.flat()) if (!index.stop.has(word)) ask(word, quality);
    for (const [, whole] of found) if (whole) [whole, index.same[whole] || ""].forEach((term) => ask(term, 1));
    for (const [term, at, length] of terms(meant.map(([[word]]) => word))) {
      ask(term, Math.min(...meant.slice(at, at + length).map(([[, quality]]) => quality)));
    }
    const unknown = meant.filter(([[word]]) => !spelled.has(word)).length;
    return [asked, unknown, found.length - unknown];
  }

  function apart([word, whole]) {
    const alone = [[word, whole]];
    if (spelled.has(word) || word.length > LONGEST_JOINED || !/^\p{L}+$/u.test(word)) return alone;
    for (let cut = SHORT - 1; cut <= word.length - SHORT + 1; cut++) {
      const first = stem(word.slice(0, cut)), rest = word.slice(cut);
      const second = [stem(rest), `${rest}e`].find((each) => spelled.has(each) && beside(first, each));
      if (spelled.has(first) && second) return [[first, whole], [second, ""]];
    }
    return alone;
  }

  function beside(first, second) {
    return terms([first, second]).some(([term]) => term.includes(" ") && Object.hasOwn(index.terms, term));
  }

  function meantBy(word) {
    if (spelled.has(word) || !/^\p{L}+$/u.test(word) || word.length < SHORT - 1) return [[word, 1]];
    const begun = [...spelled].filter((each) => each.startsWith(word)).sort().slice(0, MOST_BEGUN);
    if (begun.length) return begun.map((each) => [each, BEGUN]);
    const allowed = word.length < SHORT ? 0 : word.length < LONG ? 1 : 2;
    const near = [...spelled]
      .filter((each) => each[0] === word[0] && Math.abs(each.length - word.length) <= allowed)
      .map((each) => [slips(word, each), each]);
    const best = Math.min(allowed + 1, ...near.map(([count]) => count));
    const close = near.filter(([count]) => count === best && best <= allowed).map(([, each]) => each).sort();
    return close.length ? close.map((each) => [each, SLIP]) : [[word, 1]];
  }

  function slips(one, other) {
    let last, before = [], row = Array.from({ length: other.length + 1 }, (_, at) => at);
    for (let at = 1; at <= one.length; at++) {
      [last, before, row] = [before, row, [at]];
      for (let to = 1; to <= other.length; to++) {
        const wrong = one[at - 1] === other[to - 1] ? 0 : 1;
        row[to] = Math.min(before[to] + 1, row[to - 1] + 1, before[to - 1] + wrong);
        const swapped = at > 1 && to > 1 && one[at - 1] === other[to - 2] && one[at - 2] === other[to - 1];
        if (swapped) row[to] = Math.min(row[to], last[to - 2] + 1);
      }
    }
    return row[other.length];
  }

  /* ── between the page and the theme's worker ──────────────────────────────── */

  function setUp({ config, docs }) {
    index = config.order && { ...config.order, stop: new Set(config.order.stop) };
    around = index?.aside && new RegExp(index.aside.join("|"), "gu");
    if (!index) return; // an index of another build: the theme's own order holds
    const single = Object.keys(index.terms).filter((term) => !term.includes(" ") && !term.startsWith("~"));
    spelled = new Set([...single, ...index.stop, ...Object.keys(index.same).flatMap((phrase) => phrase.split(" "))]);
    articles = new Map(docs.filter((doc) => !doc.location.includes("#")).map((doc) => [nameOf(doc), doc]));
  }

  function nameOf({ location }) {
    return location.split("#")[0].replace(/(index)?\.html$/, "").replace(/\/$/, "");
  }

  function inOurOrder(items, question) {
    const groups = new Map(items.map((group) => [nameOf(group[0]), group]));
    const first = ranked(question).filter((name) => groups.has(name) || articles.has(name));
    const ours = first.map((name) => groups.get(name) || [{ ...articles.get(name), score: 0, terms: {} }]);
    return [...ours, ...[...groups].filter(([name]) => !first.includes(name)).map(([, group]) => group)];
  }

  function asWords(text) {
    const plain = text.toLowerCase().replace(/[^\p{L}\p{N}.]+/gu, " ").replace(/\.(?!\p{N})|(?<!\p{N})\./gu, " ");
    const found = [...new Set(plain.split(/\s+/).filter(Boolean))];
    return found.map((word) => `${word}^${WHOLE} ${word}`).join(" ");
  }

  const listen = self.addEventListener.bind(self), answer = self.postMessage.bind(self);
  self.addEventListener = (type, handle, ...rest) => {
    if (type !== "message") return listen(type, handle, ...rest);
    return listen(type, ({ data }) => {
      if (data.type === SETUP) setUp(data.data);
      if (data.type !== QUERY) return handle({ data });
      questions.push(data.data);
      return handle({ data: { ...data, data: asWords(saidIn(data.data)) } });
    });
  };
  self.postMessage = (message, ...rest) => {
    if (message.type !== RESULT) return answer(message, ...rest);
    const question = questions.shift();
    if (!index || !question.trim()) return answer(message, ...rest);
    const items = inOurOrder(message.data.items, question);
    return answer({ ...message, data: { ...message.data, items } }, ...rest);
  };
})();
