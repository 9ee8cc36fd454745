// The editor of queries: https://github.com/zazuko/Yasgui, with prefixes and terms of the catalogue.
import Yasqe from "@zazuko/yasqe";
import "@zazuko/yasqe/build/yasqe.min.css";
import "./editor/style.css";

/** Put an editor in the place of a text field, which stays the field of its form. */
export function edit(area, { prefixes, classes, properties }) {
  const names = Object.entries(prefixes).map(([prefix, iri]) => `${prefix}: <${iri}>`);
  const labels = new Map([...classes, ...properties].flatMap((term) => labelled(term, prefixes)));
  replaceCompleter("prefixes", names, labels);
  replaceCompleter("class", classes.map((term) => term.iri), labels);
  replaceCompleter("property", properties.map((term) => term.iri), labels);
  const place = document.createElement("div");
  const had = document.activeElement === area;
  area.before(place);
  const editor = new Yasqe(place, {
    value: area.value,
    persistenceId: null,
    consumeShareLink: null,
    createShareableLink: undefined,
    pluginButtons: undefined,
    prefixCcApi: null,
    resizeable: false,
    showQueryButton: false,
    screenReaderLabel: area.labels[0].textContent,
    editorHeight: `${Math.max(area.offsetHeight, 260)}px`,
  });
  const position = editor.posFromIndex(area.selectionStart);
  editor.setValue(area.value);
  area.hidden = true;
  editor.on("change", () => (area.value = editor.getValue()));
  editor.setOption("extraKeys", {
    ...editor.getOption("extraKeys"),
    Tab: false,
    "Shift-Tab": false,
    "Ctrl-Enter": () => area.form.requestSubmit(),
    "Cmd-Enter": () => area.form.requestSubmit(),
  });
  const line = Number(area.dataset.line);
  if (line) editor.addLineClass(line - 1, "background", "mistake");
  area.labels[0].addEventListener("click", () => editor.focus());
  editor.refresh();
  if (had) {
    editor.focus();
    editor.setCursor(position);
  }
}

/** Complete from a list that is here, where the editor would ask another server. */
function replaceCompleter(name, list, labels) {
  const own = Yasqe.Autocompleters[name];
  const postprocess = own.postprocessHints;
  Object.assign(own, {
    bulk: true,
    persistenceId: null,
    get: async () => list,
    postprocessHints(editor, hints) {
      const all = postprocess ? postprocess.call(this, editor, hints) : hints;
      return all.map((hint) => withLabel(hint, labels));
    },
  });
}

/** Return the pairs of a label and each way to write the IRI of its term. */
function labelled({ iri, label }, prefixes) {
  const spaces = Object.entries(prefixes).filter(([, space]) => iri.startsWith(space));
  const short = spaces.map(([prefix, space]) => `${prefix}:${iri.slice(space.length)}`);
  return label ? [`<${iri}>`, ...short].map((text) => [text, label]) : [];
}

/** Return a hint that shows the label of a term beside its IRI. */
function withLabel(hint, labels) {
  const label = labels.get(hint.text);
  return label ? { ...hint, displayText: `${hint.text}  ${label}` } : hint;
}
