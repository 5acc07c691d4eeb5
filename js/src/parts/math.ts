/** On demand: TeX to MathML. */
import temml from "temml";

export function draw(tex: string, target: HTMLElement, display: boolean): void {
  // trust: false refuses \href, \includegraphics, \class and their like; the bounds keep hostile TeX small.
  const options = {
    displayMode: display,
    throwOnError: true,
    trust: false,
    maxSize: [20, 20] as [number, number],
    maxExpand: 500,
  };
  try {
    temml.render(tex, target, options);
  } catch (error) {
    target.textContent = tex;
    target.classList.remove("cw-drawn");
    target.title = error instanceof Error ? error.message : "";
  }
}
