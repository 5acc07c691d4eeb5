/** Loader and bundle in one, for hosts whose pages cannot look another widget up, as marimo's. */
import { factory } from "./factory.ts";
import { open } from "./widget.tsx";

export default factory(async () => ({ open }));
