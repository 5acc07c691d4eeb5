/** Shows the rest of what is long. */
export const ShowAll = ({ text, act }: { text: string; act: () => void }) => (
  <button type="button" class="cw-button" onClick={act}>
    {text}
  </button>
);
