import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "node", // a test that needs a DOM says so in its first line: // @vitest-environment jsdom
    testTimeout: 60_000, // searches at random take their time on a busy machine
  },
});
