/** 16-pixel line drawings in the colour of the text; words beside them carry the meaning. */
const PATHS = {
  chevron: "M6 4l4 4-4 4",
  done: "M3.5 8.5l3 3 6-7",
  failed: "M4.5 4.5l7 7m0-7l-7 7",
  refused: "M8 2.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11M4.2 4.2l7.6 7.6",
  asks: "M8 2.5l6 11H2zM8 6.5v3.2m0 1.7v.2",
  stop: "M4.5 4.5h7v7h-7z",
  send: "M8 13V3.5M4 7.2l4-4 4 4",
  down: "M8 3v9.5M4 8.8l4 4 4-4",
  attach: "M12.5 7l-5.4 5.4a2.8 2.8 0 01-4-4l5.8-5.8a2 2 0 012.8 2.8L6 11",
} as const;

export const Icon = ({ name, class: extra = "" }: { name: keyof typeof PATHS; class?: string }) => (
  <svg class={`cw-icon ${extra}`} viewBox="0 0 16 16" aria-hidden="true">
    <path d={PATHS[name]} />
  </svg>
);

export const Spinner = () => <span class="cw-spinner" aria-hidden="true" />;
