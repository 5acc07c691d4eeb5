declare module "*.css" {
  const text: string;
  export default text;
}

declare module "asset:*" {
  const text: string;
  export default text;
}
