/**
 * The page's own Preact, which draws this part's components: a second one would have hooks and contexts of its own.
 * The build puts this module in the place of preact, its hooks, the widget's context and its services (see build.mjs):
 * a part that the page has already is not fetched again.
 */
import type { useState as useStateOfPage } from "preact/hooks";
import type { jsx as jsxOfPage } from "preact/jsx-runtime";
import type { useWidget as useWidgetOfPage } from "../components/context.ts";
import type { Lent } from "./assist.ts";

export let jsx: typeof jsxOfPage;
export let Fragment: Lent["Fragment"];
export let useState: typeof useStateOfPage;
export let useRef: Lent["useRef"];
export let useLayoutEffect: Lent["useLayoutEffect"];
export let useWidget: typeof useWidgetOfPage;
export let withAsset: Lent["withAsset"];
export { jsx as jsxs };

export function lend(lent: Lent): void {
  ({ jsx, Fragment, useState, useRef, useLayoutEffect, useWidget, withAsset } = lent);
}
