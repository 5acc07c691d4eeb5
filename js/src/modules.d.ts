declare module "*.css" {
  const text: string;
  export default text;
}
declare module "temml" {
  const temml: { render(tex: string, target: HTMLElement, options: object): void };
  export default temml;
}
