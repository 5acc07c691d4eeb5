/** Adds the style that comes with a part, once a page. */
export function addStyle(id: string, css: string): void {
  if (document.getElementById(id)) return;
  const element = document.createElement("style");
  element.id = id;
  element.textContent = css;
  document.head.append(element);
}
