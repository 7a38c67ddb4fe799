// The editor of the SPARQL page, laid over the form's field; the form stays what is sent.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, foldGutter, HighlightStyle, indentOnInput, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { lintGutter, linter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { sparql } from "codemirror-lang-sparql";

const KEYWORDS = "SELECT DISTINCT WHERE OPTIONAL FILTER MINUS UNION VALUES BIND GRAPH GROUP_CONCAT COUNT SUM MIN MAX AVG SAMPLE ORDER GROUP HAVING LIMIT OFFSET PREFIX CONSTRUCT DESCRIBE ASK EXISTS BOUND COALESCE LANG STR CONTAINS REGEX".split(" ");

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)", fontWeight: "600" },
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: tags.variableName, color: "light-dark(#5b3a8c, #c5a8ef)" },
  { tag: tags.string, color: "light-dark(#8a4300, #f0b37a)" },
  { tag: [tags.number, tags.integer, tags.float, tags.bool], color: "light-dark(#8a4300, #f0b37a)" },
]);

const looks = EditorView.theme({
  "&": { border: "1px solid var(--soft)", borderRadius: "4px", background: "var(--paper)", fontSize: ".9375rem" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace', maxHeight: "32rem", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", minHeight: "8rem" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { background: "var(--paper)", color: "var(--soft)", borderRight: "1px solid var(--line)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--line)" },
  "&.cm-focused .cm-matchingBracket": { background: "transparent", outline: "1px solid var(--accent)" },
  ".cm-tooltip": { background: "var(--paper)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { maxHeight: "none", overflow: "hidden", maxWidth: "min(32rem, 92vw)", minWidth: "12rem" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--accent)", color: "var(--paper)" },
  ".cm-tooltip-autocomplete ul li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionDetail": { color: "var(--soft)", fontStyle: "normal" },
  ".cm-completionInfo": { maxWidth: "24rem", padding: ".5rem .75rem" },
  "@media (max-width: 48rem)": { ".cm-tooltip.cm-completionInfo": { display: "none" } },
});

const declared = (text) => new Set([...text.matchAll(/\bprefix\s+([\w-]*):/gi)].map((found) => found[1]));

// A name that is chosen brings the declaration of its prefix, if that is wanting.
const insert = (name, prefixes) => (view, completion, from, to) => {
  const prefix = name.slice(0, name.indexOf(":"));
  const changes = [{ from, to, insert: name }];
  if (prefixes[prefix] && !declared(view.state.doc.toString()).has(prefix)) {
    changes.push({ from: 0, insert: `PREFIX ${prefix}: <${prefixes[prefix]}>\n` });
  }
  const anchor = view.state.changes(changes).mapPos(to, 1);
  view.dispatch({ changes, selection: { anchor }, userEvent: "input.complete" });
};

// The classes of which the text around makes something: their own properties come first.
const asked = (text, { properties }) => {
  const wanted = new Set();
  for (const [, name] of text.matchAll(/(?:\ba|rdf:type)\s+([\w-]+:[\w-]+)/g)) {
    for (const property of properties[name] ?? []) wanted.add(property);
  }
  return wanted;
};

const completions = (offer) => (context) => {
  const word = context.matchBefore(/[?$]?[\w-]*:?[\w-]*/);
  if (!word || (word.from === word.to && !context.explicit)) return null;
  const inside = syntaxTree(context.state).resolveInner(context.pos, -1).name;
  if (inside === "Comment" || inside === "String" || inside === "IriRef") return null;
  const text = context.state.doc.toString();
  if (/^[?$]/.test(word.text)) {
    const names = new Set([...text.matchAll(/[?$][A-Za-z]\w*/g)].map((found) => found[0]));
    names.delete(word.text);
    return { from: word.from, options: [...names].map((label) => ({ label, type: "variable" })), validFor: /^[?$]\w*$/ };
  }
  const before = text.slice(Math.max(0, word.from - 40), word.from);
  const kind = /(?:\ba|rdf:type)\s+$/.test(before) ? "class" : /[\w>]\s+$|;\s*$/.test(before) ? "property" : "";
  const own = asked(text, offer);
  const options = offer.words.map(({ name, label, kind: its, text: meaning, number }) => ({
    label: name,
    detail: [label, number ? number.toLocaleString(document.documentElement.lang) : ""].filter(Boolean).join(" · "),
    info: meaning,
    type: its === "concept" ? "constant" : its,
    boost: (its === kind ? 20 : 0) + (own.has(name) ? 30 : 0) + Math.min(20, 2 * Math.log2(1 + number)),
    apply: insert(name, offer.prefixes),
  }));
  options.push(...KEYWORDS.map((label) => ({ label, type: "keyword" })));
  return { from: word.from, options, validFor: /^[\w-]*:?[\w-]*$/ };
};

// What the grammar cannot read, and prefixes that nothing declares; the service tells the rest.
const check = (view) => {
  const found = [];
  const text = view.state.doc.toString();
  const names = declared(text);
  syntaxTree(view.state).iterate({
    enter: (node) => {
      if (node.type.isError && !found.length) {
        const to = Math.min(Math.max(node.to, node.from + 1), text.length);
        found.push({ from: Math.min(node.from, to), to, severity: "error", message: view.dom.dataset.unfit });
      } else if (node.name === "Pname_ln") {
        const prefix = text.slice(node.from, node.to).split(":")[0];
        if (!names.has(prefix)) {
          found.push({ from: node.from, to: node.to, severity: "error", message: view.dom.dataset.undeclared.replace("…", `${prefix}:`) });
        }
      }
    },
  });
  return found;
};

const start = async () => {
  const form = document.querySelector("form.sparql");
  const field = form.elements.query;
  const status = form.querySelector("[role=status]");
  let offer = { prefixes: {}, words: [], properties: {} };

  const ask = async () => {
    field.value = view.state.doc.toString();
    if (form.elements.format.value !== "html") { form.requestSubmit(); return; }
    const address = new URL(form.action);
    address.search = new URLSearchParams(new FormData(form));
    status.className = "";
    status.textContent = form.dataset.asking;
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const shown = page.querySelector("[data-answer]");
      if (answer.ok && shown) {
        document.querySelector("[data-answer]").replaceWith(shown);
        remember(address);
        status.textContent = "";
        view.dispatch(setDiagnostics(view.state, []));
      } else {
        await tell(address);
      }
    } catch {
      status.textContent = form.dataset.unreached;
    } finally {
      button.disabled = false;
    }
  };
  const remember = (address) => window.history.pushState(null, "", address);

  // An error of the service stands at its line and column, and in words below the field.
  const tell = async (address) => {
    const problem = await (await fetch(address, { headers: { Accept: "application/json" } })).json();
    const said = [problem.detail, problem.fix].filter(Boolean).join(". ");
    status.className = "refused";
    status.textContent = [problem.title, problem.where, said].filter(Boolean).join(": ");
    const place = /line (\d+), column (\d+)/.exec(problem.where ?? "");
    if (!place) return;
    const line = view.state.doc.line(Math.min(Number(place[1]), view.state.doc.lines));
    const from = Math.min(line.from + Number(place[2]) - 1, line.to);
    const to = Math.min(from + 1, view.state.doc.length);
    view.dispatch(setDiagnostics(view.state, [{ from: Math.min(from, to), to, severity: "error", message: said }]), { selection: { anchor: from }, scrollIntoView: true });
    view.focus();
  };

  const view = new EditorView({
    state: EditorState.create({
      doc: field.value,
      extensions: [
        lineNumbers(), foldGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(),
        lintGutter(), linter(check, { delay: 500 }), sparql(), syntaxHighlighting(colours), looks, EditorView.lineWrapping,
        autocompletion({ override: [(context) => completions(offer)(context)], maxRenderedOptions: 10 }),
        EditorView.contentAttributes.of({ "aria-label": field.labels[0].textContent, "aria-describedby": "keys", tabindex: "0", spellcheck: "false" }),
        keymap.of([
          { key: "Mod-Enter", run: () => { ask(); return true; } },
          ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap,
        ]),
      ],
    }),
  });
  view.dom.dataset.unfit = form.dataset.unfit;
  view.dom.dataset.undeclared = form.dataset.undeclared;
  field.before(view.dom);
  field.hidden = true;
  field.required = false;
  field.labels[0].addEventListener("click", () => view.focus());
  form.querySelector("#keys").hidden = false;
  form.addEventListener("submit", (event) => {
    field.value = view.state.doc.toString();
    if (form.elements.format.value === "html") { event.preventDefault(); ask(); }
  });
  window.addEventListener("popstate", () => location.reload());
  try {
    offer = await (await fetch(`${form.action}/terms`)).json();
  } catch { /* without them keywords and variables are still offered */ }
};

start();
