// Suggestions of concepts and titles while a reader types: the combobox of the ARIA Authoring
// Practices (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/), with a list and manual choice.

const DELAY = 150; // milliseconds without a key
const LEAST_LETTERS = 2;

/** Suggest what an input's `data-suggest` finds; a concept of a facet is chosen as a filter. */
export function suggest(input) {
  const list = document.createElement("ul");
  let waiting, running, active = -1;
  list.id = `${input.id}-suggestions`;
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels[0]?.textContent ?? "");
  input.after(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false",
    "aria-controls": list.id, autocomplete: "off",
  })) input.setAttribute(name, value);

  function close() {
    list.hidden = true;
    activate(-1);
    input.setAttribute("aria-expanded", "false");
  }
  function activate(position) {
    active = position;
    [...list.children].forEach((o, n) => o.setAttribute("aria-selected", String(n === active)));
    const option = list.children[active];
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  }
  function fill(results) {
    list.replaceChildren(...results.map((result, number) => {
      const option = document.createElement("li");
      const kind = document.createElement("span");
      kind.textContent = result.notable?.[0]?.name ?? "";
      option.id = `${list.id}-${number}`;
      option.setAttribute("role", "option");
      option.dataset.id = result.id;
      option.append(result.name, kind);
      return option;
    }));
    list.hidden = !results.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    activate(-1);
  }
  async function ask() {
    running?.abort();
    running = new AbortController();
    const url = new URL(input.dataset.suggest, location);
    url.searchParams.set("prefix", input.value.trim());
    try {
      const response = await fetch(url, { signal: running.signal });
      if (response.ok && document.activeElement === input) fill((await response.json()).result);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }
  function choose(option) {
    const [key, value] = option.dataset.id.split("/");
    const isFacet = input.dataset.facets.split(" ").includes(key);
    close();
    if (!isFacet) return location.assign(`${input.dataset.root}/${option.dataset.id}`);
    input.form.append(Object.assign(document.createElement("input"), { type: "hidden", name: key, value }));
    input.value = "";
    return input.form.requestSubmit();
  }

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    if (input.value.trim().length < LEAST_LETTERS) close();
    else waiting = setTimeout(ask, DELAY);
  });
  input.addEventListener("keydown", (event) => {
    const count = list.children.length;
    if (event.key === "Escape" && !list.hidden) {
      close();
    } else if (!list.hidden && event.key === "ArrowDown") {
      activate((active + 1) % count);
    } else if (!list.hidden && event.key === "ArrowUp") {
      activate((active + count + (active < 0 ? 0 : -1)) % count);
    } else if (!list.hidden && event.key === "Enter" && active >= 0) {
      choose(list.children[active]);
    } else {
      return;
    }
    event.preventDefault();
  });
  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the input keeps the focus
    const option = event.target.closest("li");
    if (option) choose(option);
  });
  input.addEventListener("blur", close);
}
