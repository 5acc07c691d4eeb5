/** Which model answers, and the way to another one where one can be chosen. */
import { useRef } from "preact/hooks";
import type { AssistModule } from "../assist/assist.ts";
import { withAsset } from "../markdown/services.ts";
import { modelIs, Words } from "../strings.ts";
import { useWidget } from "./context.ts";
import { Icon } from "./icons.tsx";
import { Late } from "./late.tsx";

export function Header() {
  const { store, services } = useWidget();
  const { model, models } = store.view;
  const last = store.view.turns.at(-1);
  const answered = last && store.run(last)?.metadata;
  // The kernel does not know the model of a run that is executed elsewhere: the run says what it is.
  const badge = model.badge || (answered?.model === model.name && answered.badge);
  const place = useRef<HTMLDivElement>(null);
  const toggle = (event: Event) => {
    const button = event.currentTarget as HTMLElement;
    withAsset<AssistModule>("assist.js", services, ({ pick }) => {
      const choose = (name: string) => store.give(`/model ${name}`);
      if (place.current) pick({ button, place: place.current, models, current: model.name, choose });
    });
  };
  const name = <span>{model.name || (models[0] && Words.ModelUnknown)}</span>;
  return (
    <>
      <div class="cw-header" title={model.reason}>
        <span class="cw-brand">{Words.Brand}</span>
        {models[0] ? (
          <button
            type="button"
            class="cw-model"
            aria-label={modelIs(model.name || Words.ModelNone)}
            disabled={store.connection === "gone"}
            onClick={toggle}
          >
            {name}
            <Icon name="chevron" class="cw-down" />
          </button>
        ) : (
          <span class="cw-model">{name}</span>
        )}
        {badge && <span class="cw-badge">{badge}</span>}
      </div>
      <div ref={place} />
      <Late view="HeaderActions" />
    </>
  );
}
