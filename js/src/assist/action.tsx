/** A button that is a picture; its name is heard, and read where the mouse rests. */
const PATHS = {
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  edit: "M3 13l.6-3L10.5 3.1l2.4 2.4L6 12.4z",
  again: "M12.8 5.5A5.3 5.3 0 1013.3 8M13 2.5v3.2H9.8",
  close: "M4 4l8 8m0-8l-8 8",
  export: "M8 2.5v7.5M4.8 7L8 10.2 11.2 7M3 13.5h10",
  more: "M2.5 8a.5.5 0 101 0 .5.5 0 10-1 0M7.5 8a.5.5 0 101 0 .5.5 0 10-1 0M12.5 8a.5.5 0 101 0 .5.5 0 10-1 0",
};

interface Props {
  icon: keyof typeof PATHS;
  label: string;
  act: () => void;
  disabled?: boolean;
  /** Where it opens something: whether that is open. */
  expanded?: boolean;
}

export function Action({ icon, label, act, disabled = false, expanded }: Props) {
  return (
    <button
      type="button"
      class="cw-icon-button"
      aria-label={label}
      aria-expanded={expanded}
      title={label}
      disabled={disabled}
      onClick={act}
    >
      <svg class="cw-icon" viewBox="0 0 16 16" aria-hidden="true">
        <path d={PATHS[icon]} />
      </svg>
    </button>
  );
}
