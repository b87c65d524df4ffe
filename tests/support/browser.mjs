// The real Chromium of the machine, without a window.

import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

/** `more`: arguments of this run. */
export function launch(more = []) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...more,
    ],
  });
}

/** Writes a picture where SCREENSHOTS says; without it pictures are taken, and not kept. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) mkdirSync(folder, { recursive: true });
  await page.screenshot(folder ? { path: path.join(folder, `${name}.png`) } : {});
}

/** Notes what a page must not do: throw, log errors, or ask anything of other hosts. */
export function watch(page) {
  const faults = [];
  page.on("pageerror", (error) => faults.push(`threw: ${error.message}`));
  page.on("console", (message) => {
    const isFault = message.type() === "error" && !message.location().url.endsWith("/favicon.ico"); // a page need not have one
    if (isFault) faults.push(`logged: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!/^(https?:\/\/(localhost|127\.0\.0\.1)[:/]|file:|data:|blob:|about:)/.test(request.url())) faults.push(`asked for ${request.url()}`);
  });
  return faults;
}
