/** What the composer and the part "assist" say to each other. The part draws by itself, into places that it is given. */

import type { ComponentChildren, ComponentType, Fragment } from "preact";
import type { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { jsx } from "preact/jsx-runtime";
import type { useWidget } from "../components/context.ts";
import type { withAsset } from "../markdown/services.ts";
import type { ToolPart, UIMessage, UIMessagePart } from "../protocol-types.ts";
import type { RunState } from "../run.ts";
import type { Note } from "../store.ts";
import type { Turn } from "../view.ts";

/** What can stand at the cursor; `text` takes the place of the characters from `start` to `end`. */
export interface Item {
  text: string;
  start: number;
  end: number;
  kind: string;
  detail: string;
}

/** A file as a message takes it along: whole, or by the name under which it was uploaded. */
export interface Sent {
  url?: string;
  upload?: string;
  mediaType: string;
  filename: string;
}

export interface Place {
  box: HTMLTextAreaElement;
  /** Above the box, in the widget's own flow. */
  menu: HTMLElement;
  chips: HTMLElement;
  complete(text: string, cursor: number): Promise<Item[]>;
  upload(name: string, at: number, data: string): Promise<unknown>;
  write(text: string, caret: number): void;
  /** Called when files have come or gone. */
  changed(): void;
  /** What was said before, the last at the end. */
  said(): string[];
}

/** Files that go with a message. */
export interface Taken {
  /** Rejects where one could not be uploaded. */
  sent: Promise<Sent[]>;
  /** The message was refused: they are chips again. */
  giveBack(): void;
}

export interface Assist {
  /** Files that would go with a message now. */
  readonly count: number;
  /** True where the key chose from the menu, or brought back what was said. */
  key(event: KeyboardEvent): boolean;
  add(files: Iterable<File>): void;
  /** Lets the user choose files. */
  browse(): void;
  /** The files, and their chips go. */
  take(): Taken;
  /** The files of the message that is edited become chips; without one they go. */
  edit(message?: UIMessage): void;
  close(): void;
  end(): void;
}

export interface Picking {
  /** What opens it. */
  button: HTMLElement;
  place: HTMLElement;
  models: readonly string[];
  current: string;
  choose(model: string): void;
}

/** What the page's Preact lends to the part. */
export interface Lent {
  jsx: typeof jsx;
  Fragment: typeof Fragment;
  useState: typeof useState;
  useRef: typeof useRef;
  useLayoutEffect: typeof useLayoutEffect;
  useWidget: typeof useWidget;
  withAsset: typeof withAsset;
}

export interface TurnProps {
  turn: Turn;
}

export interface NoteProps {
  note: Note;
  children: ComponentChildren;
}

export interface CallProps {
  run: RunState;
  part: ToolPart;
}

/** `edit` and `allow` are null where they are not to be had. */
export interface MoreAnswersProps {
  edit: (() => void) | null;
  allow: ((scope: "run" | "session" | "same") => void) | null;
  busy: boolean;
  reason: string;
  setReason(reason: string): void;
}

export interface ListProps {
  list: unknown[];
  /** What shows it where it is no list of records. */
  otherwise: ComponentChildren;
}

export interface SourcesProps {
  parts: UIMessagePart[];
}

export interface Views {
  HeaderActions: ComponentType;
  MoreAnswers: ComponentType<MoreAnswersProps>;
  PromptActions: ComponentType<TurnProps>;
  AnswerActions: ComponentType<TurnProps>;
  Note: ComponentType<NoteProps>;
  Earlier: ComponentType;
  Question: ComponentType<CallProps>;
  Undo: ComponentType<CallProps>;
  List: ComponentType<ListProps>;
  Sources: ComponentType<SourcesProps>;
}

export interface AssistModule {
  assist(place: Place): Assist;
  /** The components of this part, the same ones each time. */
  views(lent: Lent): Views;
  /** Shows the picker, or takes it away. */
  pick(picking: Picking): void;
}
