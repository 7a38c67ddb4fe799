// Suggestions below the search box, by pointer and by keyboard; without this the form searches.
"use strict";
for (const field of document.querySelectorAll("form.find input[type=search]")) {
  const form = field.form;
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", form.dataset.suggestions);
  list.hidden = true;
  field.parentElement.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false",
  })) field.setAttribute(name, value);

  let at = -1;
  let waiting = 0;
  let asking = new AbortController();
  const choose = (number) => {
    at = number;
    [...list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === at)));
    if (at < 0) { field.removeAttribute("aria-activedescendant"); return; }
    field.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  };
  const open = (yes) => {
    list.hidden = !yes;
    field.setAttribute("aria-expanded", String(yes));
    choose(-1);
  };
  const row = ({ name, language, kind, link }, number) => {
    const item = document.createElement("li");
    item.id = `suggestion-${number}`;
    item.setAttribute("role", "option");
    item.dataset.link = link;
    const title = document.createElement("span");
    title.textContent = name;
    if (language) title.lang = language;
    const small = document.createElement("small");
    small.textContent = kind;
    item.append(title, " ", small);
    return item;
  };
  const ask = async () => {
    asking.abort();
    asking = new AbortController();
    const text = field.value.trim();
    if (text.length < 2) { open(false); return; }
    const address = new URL(form.action.replace(/(search|compare)$/, "suggest"));
    address.search = new URLSearchParams(new FormData(form));
    if (form.dataset.kind) address.searchParams.set("kind", form.dataset.kind);
    try {
      const answer = await fetch(address, { signal: asking.signal });
      if (!answer.ok) return;
      list.replaceChildren(...(await answer.json()).map(row));
      open(list.children.length > 0 && document.activeElement === field);
    } catch (error) {
      if (error.name !== "AbortError") open(false); // the form still searches
    }
  };
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 120); });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) { event.preventDefault(); open(false); return; }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !list.hidden) {
      event.preventDefault();
      const places = list.children.length + 1; // one of them is the field itself
      choose(((at + 1 + step + places) % places) - 1);
    } else if (event.key === "Enter" && at >= 0 && !list.hidden) {
      event.preventDefault();
      location.assign(list.children[at].dataset.link);
    }
  });
  field.addEventListener("blur", () => open(false));
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener("click", (event) => {
    const chosen = event.target.closest("[role=option]");
    if (chosen) location.assign(chosen.dataset.link);
  });
}
