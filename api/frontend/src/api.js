// The interactive interface is large, so it is loaded when the reader asks for it.
const button = document.querySelector("button[data-swagger]");
if (button?.dataset.swagger) {
  button.parentElement.hidden = false;
  button.addEventListener("click", async () => {
    const style = document.createElement("link");
    Object.assign(style, { rel: "stylesheet", href: button.dataset.style });
    document.head.append(style);
    const { open } = await import(button.dataset.swagger);
    open("#console", button.dataset.document);
    document.querySelector("#operations").hidden = true;
    button.parentElement.remove();
  });
}
