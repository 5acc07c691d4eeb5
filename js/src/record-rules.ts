/**
 * Rules that hide the static record next to a live view; put into the document's head once, while a view lives.
 *
 * The record brings them too, but not in a notebook that is not trusted. They are written in
 * copilot_widget/record/style.py, where their reasons are; a test holds the two equal.
 */
export const recordRules = `
.jp-OutputArea-child:has(> .jp-OutputArea-output > .copilot-record-beside):has(+ .jp-OutputArea-child > .jp-OutputArea-output > .copilot-widget, + .jp-OutputArea-child > .jp-OutputArea-output > * > .copilot-widget, + .jp-OutputArea-child > .jp-OutputArea-output > :empty) { display: none; }
.jp-OutputArea-child:has(> .jp-OutputArea-output > .copilot-record-beside) + .jp-OutputArea-child:not(:has(> .jp-OutputArea-output > *)) { display: none; }
`;
