/* What a page remembers on this device: values that were typed once, and ticks. Nothing of it leaves the device. */
(() => {
  "use strict";

  const tools = document.querySelector(".rb-tools");
  if (!tools) return;

  const key = `runbook ${tools.dataset.page}`;
  const fields = [...tools.querySelectorAll("[data-parameter]")];
  const boxes = [...document.querySelectorAll(".rb-manual input, .task-list-item input")];
  const commands = [...document.querySelectorAll(".rb-command")];
  const names = boxNames();

  let memory = load();
  show();

  for (const field of fields) field.addEventListener("input", remember);
  for (const box of boxes) box.addEventListener("change", remember);
  tools.querySelector(".rb-fill")?.addEventListener("submit", (event) => event.preventDefault());
  tools.querySelector(".rb-clear").addEventListener("click", forget);
  document.addEventListener("click", copyExactly, true);
  window.addEventListener("storage", (event) => {
    if (event.key === key || event.key === null) {
      memory = load();
      show();
    }
  });

  /* ── memory ───────────────────────────────────────────────────────────────── */

  function load() {
    const empty = { since: "", values: {}, ticks: [] };
    try {
      return { ...empty, ...JSON.parse(localStorage.getItem(key) || "{}") };
    } catch {
      return empty; // storage is switched off, or holds something else
    }
  }

  function remember() {
    memory.values = {};
    for (const field of fields) {
      const value = plain(field.value);
      if (value) memory.values[field.dataset.parameter] = value;
    }
    memory.ticks = boxes.filter((box) => box.checked).map((box) => names.get(box));
    const any = memory.ticks.length || Object.keys(memory.values).length;
    memory.since = any ? memory.since || new Date().toISOString() : "";
    try {
      if (any) localStorage.setItem(key, JSON.stringify(memory));
      else localStorage.removeItem(key);
    } catch {
      /* the page works without memory too */
    }
    showCommands();
    showMemory();
  }

  function forget() {
    for (const field of fields) field.value = "";
    for (const box of boxes) box.checked = false;
    remember();
    tools.focus({ preventScroll: true }); // the button is gone; the keyboard goes on from here
  }

  /* A tick belongs to the words it stands beside: when they change, nobody has done them. */
  function boxNames() {
    const seen = new Map();
    const found = new Map();
    for (const box of boxes) {
      const heading = box.closest(".rb-procedure")?.previousElementSibling?.id ?? "";
      const said = `${heading}: ${box.closest("label, li").textContent.trim()}`;
      seen.set(said, (seen.get(said) ?? 0) + 1);
      found.set(box, `${said} ${seen.get(said)}`);
    }
    return found;
  }

  /* ── what is seen ─────────────────────────────────────────────────────────── */

  function show() {
    for (const field of fields) field.value = memory.values[field.dataset.parameter] ?? "";
    for (const box of boxes) box.checked = memory.ticks.includes(names.get(box));
    showCommands();
    showMemory();
  }

  function showCommands() {
    for (const command of commands) {
      const code = command.querySelector("code");
      code.querySelector(".rb-set")?.remove();
      const lines = assignments(command);
      if (!lines) continue;
      const set = document.createElement("span");
      set.className = "rb-set";
      set.textContent = lines;
      code.prepend(set);
    }
  }

  function showMemory() {
    const bar = tools.querySelector(".rb-memory");
    const values = Object.keys(memory.values).length;
    const ticks = memory.ticks.length;
    bar.hidden = !(values || ticks);
    if (bar.hidden) return;
    const parts = [];
    if (values) parts.push(values === 1 ? "1 value" : `${values} values`);
    if (ticks) parts.push(ticks === 1 ? "1 tick" : `${ticks} ticks`);
    const since = new Date(memory.since).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    bar.querySelector(".rb-remembered").textContent = `Remembered here since ${since}: ${parts.join(" and ")}.`;
  }

  /* ── what is copied ───────────────────────────────────────────────────────── */

  /* The theme's own button trims what it copies; with this attribute it takes every byte. */
  function copyExactly(event) {
    const button = event.target.closest?.("[data-clipboard-target]");
    const command = button?.closest(".rb-command");
    if (command) button.dataset.clipboardText = assignments(command) + command.dataset.copy;
  }

  function assignments(command) {
    const sql = command.classList.contains("language-sql");
    return command.dataset.uses
      .split(" ")
      .filter((name) => Object.hasOwn(memory.values, name))
      .map((name) => (sql ? `\\setenv ${name} ${psqlWord(memory.values[name])}\n` : `export ${name}=${shellWord(memory.values[name])}\n`))
      .join("");
  }

  /* One word for bash and every POSIX shell, whatever it holds. */
  function shellWord(value) {
    return `'${plain(value).replaceAll("'", "'\\''")}'`;
  }

  /* One argument of a psql command: inside quotes, a backslash and a quote are doubled. */
  function psqlWord(value) {
    return `'${plain(value).replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
  }

  /* One line, without what a terminal would obey or a reader cannot see. */
  function plain(value) {
    return String(value).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "").trim();
  }
})();
