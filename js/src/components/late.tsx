/** Components of the part "assist": they are drawn once it has come. */
import { type ComponentChildren, Fragment, h } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { jsx } from "preact/jsx-runtime";
import type { AssistModule, Lent, Views } from "../assist/assist.ts";
import { withAsset } from "../markdown/services.ts";
import { useWidget } from "./context.ts";

const lent: Lent = { jsx, Fragment, useState, useRef, useLayoutEffect, useWidget, withAsset };

type Props<Name extends keyof Views> = { view: Name } & Parameters<Extract<Views[Name], (props: never) => unknown>>[0];

/** What shows until the part is here, and where it cannot come. */
interface Fallback {
  otherwise?: ComponentChildren;
}

export function Late<Name extends keyof Views>({ view, ...props }: Props<Name>) {
  const { services } = useWidget();
  const [views, setViews] = useState<Views | null>(null);
  useLayoutEffect(() => withAsset<AssistModule>("assist.js", services, (part) => setViews(part.views(lent))), []);
  return views ? h(views[view] as never, props as never) : ((props as Fallback).otherwise ?? null);
}
