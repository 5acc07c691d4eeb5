/** What nobody sees in a text, or what turns the order of its letters round: with it a call could read other than it runs. */

const EMOJI = String.raw`\xa9\xae\u203c-\u3299\u{1f000}-\u{1faff}`;
/** Letters of scripts that need joiners: Arabic's and India's, Burmese, Khmer. */
const JOINED = String.raw`\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff`;

/** copilot_widget/record/text.py has the same, but for control characters and carriage returns, which it writes anew. */
const HIDDEN = new RegExp(
  String.raw`[\0-\x08\v\f\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\r(?!\n)|(?<![${EMOJI}])[\ufe0e\ufe0f](?!\u20e3)|(?!(?<=[${JOINED}])[\u200c\u200d][${JOINED}]|(?<=[${EMOJI}\ufe0f])\u200d[${EMOJI}])[\u200c\u200d]`,
  "gu",
);

const nameOf = (char: string): string =>
  `⟨U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;

export const visible = (text: string): string => text.replace(HIDDEN, nameOf);

/** The same in html: the names are marked. */
export const marked = (html: string): string => html.replace(HIDDEN, (char) => `<mark>${nameOf(char)}</mark>`);
