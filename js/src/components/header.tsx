/** Which model answers, and the way to another one. */
import { useRef } from "preact/hooks";
import type { AssistModule } from "../assist/assist.ts";
import { withAsset } from "../markdown/services.ts";
import { modelIs, Words } from "../strings.ts";
import { useWidget } from "./context.ts";
import { Icon } from "./icons.tsx";

export function Header() {
  const { store, services } = useWidget();
  const { model, models } = store.view;
  const place = useRef<HTMLDivElement>(null);
  const toggle = (event: Event) => {
    const button = event.currentTarget as HTMLElement;
    withAsset<AssistModule>("assist.js", services, ({ pick }) => {
      const choose = (name: string) => void store.send(`/model ${name}`);
      if (place.current) pick({ button, place: place.current, models, current: model.name, choose });
    });
  };
  return (
    <>
      <div class="cw-header" title={model.reason}>
        <span class="cw-brand">{Words.Brand}</span>
        <button
          type="button"
          class="cw-model"
          aria-label={modelIs(model.name || Words.ModelNone)}
          disabled={store.connection === "gone"}
          onClick={toggle}
        >
          <span>{model.name || Words.ModelUnknown}</span>
          <Icon name="chevron" class="cw-down" />
        </button>
        {model.badge && <span class="cw-badge">{model.badge}</span>}
      </div>
      <div ref={place} />
    </>
  );
}
