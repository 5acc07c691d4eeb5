/**
 * Every text of this front end that a person reads or hears, by its place: what is translated or reworded is so here.
 * What the kernel and its tools say comes from there. The build puts each text of the table where it is used, so that it
 * takes no more room than if it stood there; a sentence with values in it is a function below.
 */

export enum Words {
  // ---- header and model picker -----------------------------------------------------------------------
  Brand = "copilot",
  /** On the button, and in its name, where no model is known. */
  ModelUnknown = "model",
  ModelNone = "none yet",
  ModelChoice = "Choose the model",
  ModelBox = "Model",
  ModelForm = "provider/model",
  ModelHelp = "Choose one, or type provider/model and press Enter.",
  ModelList = "Models",
  ModelInUse = "in use",

  // ---- what can be done with a conversation ----------------------------------------------------------
  ExportThis = "Export the conversation",
  ExportAs = "Export as",
  ExportMarkdown = "Markdown",
  ExportHtml = "Web page",
  ExportNotebook = "Notebook",
  ExportJson = "JSON",
  MoreActions = "More actions",
  History = "Earlier conversations",
  Context = "What would be sent",
  Usage = "Tokens and cost",
  Tools = "Tools",
  Compact = "Compact memory",
  Clear = "Clear memory",
  Help = "All commands",

  // ---- transcript ------------------------------------------------------------------------------------
  Conversation = "Conversation",
  Turn = "Turn",
  /** Leads to the end of the transcript; what is needed there stands in its place. */
  Latest = "latest",
  Dismiss = "Dismiss",
  NotPart = "not part of the conversation",
  CopyMessage = "Copy message",
  EditMessage = "Edit message",
  CopyAnswer = "Copy answer",
  AnswerAgain = "Answer again",
  Picture = "Picture",
  File = "File",
  Source = "Source",
  Sources = "Sources",
  ThinkingNow = "Thinking…",
  EarlierKept = "An earlier conversation of this notebook is kept. The variables of its kernel are gone.",
  NewConversation = "New conversation",

  // ---- what goes on: below the turn, and where a screen reader hears it ------------------------------
  Loading = "loading",
  Queued = "queued",
  TakeBack = "Take back",
  AwaitsUser = "waiting for your answer",
  AwaitsModel = "waiting for the model",
  Thinking = "thinking",
  Working = "working",
  Generating = "generating",
  Stopping = "stopping",
  StopsLate = "Stop takes effect when the cell ends",
  Complete = "complete",
  /** Also of a run that failed: only heard. */
  Ended = "stopped",
  ApprovalNeeded = "approval needed",
  AnswerNeeded = "answer needed",

  // ---- how a turn ended ------------------------------------------------------------------------------
  Stopped = "Stopped",
  Interrupted = "Interrupted",
  RunFailed = "The run failed.",
  Error = "Error",
  PriceUnknown = "price unknown",

  // ---- rows of tool calls, and outputs ---------------------------------------------------------------
  Preparing = "preparing",
  Running = "running",
  /** Of a call, and of a box in a list. */
  Done = "done",
  Failed = "failed",
  Denied = "denied",
  NotAllowed = "You did not allow this; it was not run.",
  Output = "Output",
  OutputTable = "Output, table",
  Figure = "Figure",
  EmptyText = "(empty)",
  NoOutput = "(no output)",
  /** A cell of a table without a value. */
  Null = "null",
  Undo = "Undo",
  Undone = "Undone",
  Redo = "Redo",

  // ---- approvals and questions -----------------------------------------------------------------------
  Deny = "Deny",
  AllowOnce = "Allow once",
  MoreAnswers = "More ways to answer",
  AllowRun = "Allow for this run",
  AllowSession = "Allow for this session",
  AllowSame = "Allow the same for this session",
  EditCode = "Edit the code",
  CodeInstead = "Code to run instead",
  TextInstead = "What it shall be instead",
  WhyDenied = "If you deny, why (the model reads it)",
  Answer = "Answer",
  AnotherAnswer = "Another answer",

  // ---- composer --------------------------------------------------------------------------------------
  Message = "Message",
  Send = "Send",
  Stop = "Stop",
  Editing = "Editing the last message.",
  Cancel = "Cancel",
  AskNext = "Queue a message…",
  NotConnected = "Not connected",
  Suggestions = "What can stand here",
  Files = "Files",
  AttachFiles = "Attach files",

  // ---- answers: code, tables, pictures ---------------------------------------------------------------
  Code = "Code",
  Copy = "Copy",
  Copied = "Copied",
  MayNotCopy = "This page may not copy",
  InsertCell = "Insert cell",
  Inserted = "Inserted",
  CannotInsert = "Not possible here",
  Table = "Table",
  /** Of a box in a list. */
  ToDo = "to do",
  /** In the place of a picture that is not loaded, and of a file's name where a pasted one has none. */
  Unnamed = "picture",
  OtherSite = "another site",

  // ---- the connection --------------------------------------------------------------------------------
  Reconnecting = "The connection to the kernel is interrupted; trying again.",
  KernelGone = "The kernel was restarted or closed.",
  KernelGoneHint = "Run the cell again to go on.",
  ConversationGone = "The kernel was restarted or closed: this conversation cannot go on here. Run the cell again.",
  RunGoesOn = "The kernel was restarted or closed, but this run goes on elsewhere. Run %load_ext copilot_widget to follow it here.",
  ViewClosed = "This view was closed.",
  CodeGone = "This copilot's view cannot be shown: the kernel has closed the widget that holds its code. Run the cell again.",

  // ---- why the notebook was not changed or read: for the user, and for the model ---------------------
  AskedBefore = "This was asked before.",
  KernelCannot = "The kernel does not know how.",
  CellsClosed = "This front end does not let cells be read or changed.",
  CellsStay = "This front end does not let cells be removed.",
  NoRecord = "There is no record before this view.",
  CellElsewhere = "The copilot's own cell is not in the notebook that this page shows.",
  ReadOnly = "The notebook is read-only.",
  OwnCell = "This cell is the copilot's own.",
  CellNotTaken = "The page did not take the new cell.",
  SourceNotTaken = "The page did not take the new source.",
  PictureUnreadable = "the browser cannot read this picture",
  PictureLate = "the picture took too long to load",
  CannotDraw = "the browser cannot draw",
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
const grouped = (count: number): string => count.toLocaleString("en");

// ---- header and transcript -----------------------------------------------------------------------------

/** The name of the button that chooses another one. */
export const modelIs = (name: string): string => `Model: ${name}`;
export const earlierTurns = (count: number): string => `${count} earlier turns`;
export const notPart = (command: string): string => `${command}, ${Words.NotPart}`;
export const dismiss = (what: string): string => `${Words.Dismiss} ${what}`;
/** `about`: when, and how long it is. */
export const resume = (title: string, about: string): string => `Resume: ${title} · ${about}`;
/** Of a mention. */
export const modelReads = (name: string): string => `What the model reads of ${name}`;
/** `time`: "4 s"; "" where nobody watched. */
export const thought = (time: string): string => `Thought${time && ` for ${time}`}`;
export const unreadable = (reason: string): string => `A part of this answer could not be read: ${reason}`;

// ---- the footer of a turn ------------------------------------------------------------------------------

export const steps = (count: number): string => counted(count, "step");
/** Tokens, in short: "45.2k"; `cached` is "" where none were. */
export const tokensUsed = (input: string, cached: string, output: string): string =>
  `${input} in${cached && ` (${cached} cached)`} / ${output} out`;

// ---- rows of tool calls, and outputs -------------------------------------------------------------------

/** Verbs that titles of tools begin with, as a call that is done says them; words.ts makes the regular ones. */
export const PAST: Record<string, string> = {
  Find: "Found",
  Get: "Got",
  Make: "Made",
  Plot: "Plotted",
  Read: "Read",
  Run: "Ran",
  Send: "Sent",
  Write: "Wrote",
};
export const ranTools = (count: number): string => `Ran ${count} tools`;
export const lines = (count: number): string => counted(count, "line");
export const allCharacters = (count: number): string => `Show all ${grouped(count)} characters`;
export const allRows = (count: number): string => `Show all ${grouped(count)} rows`;

// ---- approvals and questions ---------------------------------------------------------------------------

/** The name of an approval's group. */
export const approvalNeeded = (what: string): string => `Approval needed: ${what}`;
export const allow = (what: string): string => `Allow: ${what}?`;
/** The name of a question's group. */
export const questionIs = (what: string): string => `Question: ${what}`;

// ---- files that go with a message ----------------------------------------------------------------------

export const removeFile = (name: string): string => `Remove ${name}`;
export const tooLarge = (name: string): string => `${name} is larger than 20 MB. Send a smaller part of it.`;
export const tooMany = (name: string, most: number): string => `${name}: ${most} files go with a message at most.`;
export const wrongKind = (name: string): string => `${name} is neither a picture (PNG, JPEG, GIF, WebP) nor text.`;
export const unreadableFile = (name: string): string => `${name} cannot be read.`;

// ---- answers -------------------------------------------------------------------------------------------

/** The name of a block of code. */
export const codeIn = (language: string): string => `${Words.Code}, ${language}`;
export const loadPicture = (host: string, name: string): string => `Load picture from ${host}: ${name}`;
/** What was left out of an answer's html: "script, iframe". */
export const notShown = (names: string): string => `Not shown: ${names}`;

// ---- why the notebook was not changed or read ----------------------------------------------------------

/** By its number, "[12]"; or by its place, from 1, where it has not run. */
export const cellNumber = (count: number): string => `Cell [${count}]`;
export const cellPlace = (place: number): string => `Cell ${place} from the top`;
export const noPicture = (cell: string): string => `${cell} shows no picture.`;
export const noOperation = (name: string): string => `This page does not know the operation ${name}.`;
export const noCell = (name: string): string => `No cell of this notebook is ${name}.`;
export const sameNumber = (cells: number, number: string, ids: string): string =>
  `${cells} cells are [${number}], from runs of different kernels: ${ids}.`;
export const notChanged = (cell: string): string => `${cell} has changed since, so it was not changed.`;
export const notRemoved = (cell: string): string => `${cell} has changed since, so it was not removed.`;
export const notEditable = (cell: string): string => `${cell} is marked as not editable.`;
export const pageFailed = (reason: string): string => `The page could not do it: ${reason}`;
/** Stands where the middle of a long text was. */
export const charactersCut = (count: number): string => `[${grouped(count)} characters cut]`;
