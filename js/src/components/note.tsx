/** What stands between turns: a line where something begins anew, and what a command told. */
import { useWidget } from "./context.ts";
import { Late } from "./late.tsx";
import { Markdown } from "./markdown.tsx";

export const Divider = ({ text }: { text: string }) => (
  <p class="cw-divider">
    <span>{text}</span>
  </p>
);

/** The notes that were asked for when `after` was the last turn. */
export function Notes({ after }: { after: string }) {
  const { store } = useWidget();
  const notes = store.notes.filter((note) => note.after === after);
  return (
    <>
      {notes.map((note) => (
        <Late key={note.id} view="Note" note={note}>
          <Markdown text={note.markdown} ended />
        </Late>
      ))}
    </>
  );
}
