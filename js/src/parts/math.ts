/** On demand: TeX to MathML. */
import temml from "temml";

export function draw(tex: string, target: HTMLElement, display: boolean): void {
  // trust: false refuses \href, \includegraphics, \class and their like; the bounds keep hostile TeX small.
  temml.render(tex, target, {
    displayMode: display,
    throwOnError: false,
    trust: false,
    maxSize: [20, 20],
    maxExpand: 500,
  });
}
