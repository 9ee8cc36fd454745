// A change of a search replaces main alone: readers keep their place, and the URL is that of the
// search. What fails is left to the browser.

const FROM_THE_TOP = ".pages, .tabs";
const status = Object.assign(document.createElement("p"), { className: "hidden" });
let running;
let shown = location.pathname + location.search;

/** Return whether a URL is that of a view of the search. */
function isView(url) {
  const views = [...document.querySelectorAll(".tabs a")].map((tab) => tab.pathname);
  return url.origin === location.origin && !url.hash && views.includes(url.pathname);
}

/** Return what tells an element of main from others, before a change and after it. */
function nameOf(element) {
  const section = element.closest("details, form, ul, nav");
  const heading = section?.querySelector("summary, label")?.firstChild?.textContent ?? "";
  return `${element.tagName} ${heading.trim()} ${element.name ?? ""} ${element.textContent.trim()}`;
}

/** Open and close the sections of a page as they are in the present one. */
function keepSections(present, next) {
  const state = new Map([...present.querySelectorAll("aside details")].map((d) => [nameOf(d.firstElementChild), d.open]));
  for (const details of next.querySelectorAll("aside details")) {
    const isOpen = state.get(nameOf(details.firstElementChild));
    if (isOpen) details.open = true;
  }
}

/** Show the page of a URL in place of the present one. */
async function show(url, origin, setUp) {
  running?.abort();
  running = new AbortController();
  const present = document.querySelector("main");
  present.setAttribute("aria-busy", "true");
  const response = await fetch(url, { headers: { Accept: "text/html" }, signal: running.signal });
  if (!response.ok) throw new Error(response.statusText);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = page.querySelector("main");
  const focused = origin && nameOf(origin);
  keepSections(present, next);
  present.replaceWith(document.adoptNode(next));
  document.querySelector("header").replaceWith(document.adoptNode(page.querySelector("header")));
  document.title = page.title;
  shown = new URL(url, location).pathname + new URL(url, location).search;
  setUp();
  const candidates = [...next.querySelectorAll("a, button, select, input, summary")];
  candidates.find((element) => nameOf(element) === focused)?.focus({ preventScroll: true });
  status.textContent = next.querySelector("[role=status]")?.textContent ?? "";
}

/** Show the page of a URL, or let the browser open it where that fails. */
async function change(url, origin, setUp) {
  try {
    await show(url, origin, setUp);
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
    return false;
  }
  return true;
}

/** Return the URL to which a form leads, without empty values. */
function urlOf(form) {
  const values = [...new FormData(form)].filter(([, value]) => value);
  const chosen = [...form.querySelectorAll("select")].filter((s) => s.name && !s.value);
  values.push(...chosen.map((select) => [select.name, ""]));
  return new URL(`${new URL(form.action).pathname}?${new URLSearchParams(values)}`, location);
}

/** Replace main where a link or a form leads to a view of the search. */
export function replaceOnChange(setUp) {
  status.setAttribute("role", "status");
  document.body.append(status);

  async function follow(event, url, origin) {
    if (!isView(url)) return;
    event.preventDefault();
    if (!(await change(url, origin, setUp))) return;
    history.pushState(null, "", url);
    if (origin.closest(FROM_THE_TOP)) document.querySelector("main").scrollIntoView();
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("main a[href]");
    const isPlain = !event.defaultPrevented && event.button === 0 &&
      !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (link && isPlain && !link.target && !link.hasAttribute("download") && !link.closest("svg")) {
      follow(event, new URL(link.href), link);
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("main form[action]") && event.target.method === "get") {
      follow(event, urlOf(event.target), event.submitter ?? event.target);
    }
  });
  window.addEventListener("popstate", () => {
    // A link within the page changes the fragment alone.
    if (location.pathname + location.search !== shown) change(location.href, null, setUp);
  });
}
