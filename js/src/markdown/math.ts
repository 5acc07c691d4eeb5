/** Math as MathML, drawn in place of its TeX as soon as the part that can do so is here. */
import { type Services, withAsset } from "./services.ts";

export interface MathPart {
  /** Draws TeX into `target`; what cannot be read is shown as it is. */
  draw(tex: string, target: HTMLElement, display: boolean): void;
}

export function drawMath(element: HTMLElement, services: Services): void {
  const tex = element.textContent ?? "";
  const display = element.dataset.display === "true";
  if (display) {
    element.classList.add("cw-display");
    element.tabIndex = 0; // it may be wider than its view; MathML names itself
  }
  withAsset<MathPart>("math.js", services, ({ draw }) => {
    element.classList.add("cw-drawn");
    draw(tex, element, display);
  });
}
