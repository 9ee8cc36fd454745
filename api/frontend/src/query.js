// Queries: tables that sort, and an editor in the place of the text field, which keeps the text.
// The editor is large, so it is loaded when the reader comes to the field.

const FORM_LIMIT = 6000;
const area = document.querySelector("textarea[data-editor]");
if (area?.dataset.editor) prepareEditor();
document.querySelectorAll("table[data-sortable]").forEach(makeSortable);

function prepareEditor() {
  const { form } = area;
  form.addEventListener("submit", (event) => {
    const isLong = area.value.length > FORM_LIMIT && !event.submitter?.formMethod;
    if (isLong) form.method = "post";
  });
  const events = ["focus", "pointerenter"];
  const load = async () => {
    for (const name of events) area.removeEventListener(name, load);
    const style = document.createElement("link");
    Object.assign(style, { rel: "stylesheet", href: area.dataset.style });
    document.head.append(style);
    const [{ edit }, completions] = await Promise.all([
      import(area.dataset.editor),
      fetch(area.dataset.completions).then((response) => response.json()),
    ]);
    edit(area, completions);
    form.querySelector("[data-keys]").hidden = false;
  };
  for (const name of events) area.addEventListener(name, load);
}

function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    button.title = table.dataset.sortable.replace("{column}", heading.textContent);
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const isAscending = heading.ariaSort !== "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
      sortRows(table.tBodies[0], column, isAscending ? 1 : -1);
    });
  });
}

function sortRows(body, column, direction) {
  const { compare } = new Intl.Collator(document.documentElement.lang, { numeric: true });
  const text = (row) => row.cells[column].textContent.trim();
  const isNumeric = [...body.rows].every((row) => row.cells[column].className === "number");
  const order = isNumeric ? (a, b) => Number(text(a)) - Number(text(b)) : (a, b) => compare(text(a), text(b));
  body.append(...[...body.rows].sort((a, b) => direction * order(a, b)));
}
