/** Which addresses a text may name. */
import { Words } from "../strings.ts";

/** Relative links lead into the notebook server; other schemes run or hold things. */
export const isLink = (url: string): boolean => /^(?:https?:|mailto:)/i.test(url);

/** Pictures that are part of the text itself. */
export const isOwnPicture = (url: string): boolean => /^data:image\/(?:png|jpe?g|gif|webp|svg\+xml)[;,]/i.test(url);

export const isRemotePicture = (url: string): boolean => /^https?:/i.test(url);

/** Opens elsewhere, gives that page no way back, and says where it goes. */
export function fixLink(link: Element, url: string): void {
  if (!isLink(url)) {
    link.removeAttribute("href");
    return;
  }
  link.setAttribute("href", url);
  link.setAttribute("target", "_blank");
  link.setAttribute("rel", "noopener noreferrer");
  link.setAttribute("title", url);
}

/** Whose page an address is. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return Words.OtherSite;
  }
}
