/** What an answer rests on. */
import type { SourcesProps } from "../assist/assist.ts";
import { hostOf } from "../markdown/links.ts";
import type { UIMessagePart } from "../protocol-types.ts";
import { Words } from "../strings.ts";

export function Sources({ parts }: SourcesProps) {
  return (
    <div class="cw-sources">
      <p>{parts.length > 1 ? Words.Sources : Words.Source}</p>
      <ul>
        {parts.map((part, index) => (
          <li key={index} data-part="source">
            <Source part={part} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Source({ part }: { part: UIMessagePart }) {
  if (part.type === "source-document") return <>{part.title || part.filename || part.mediaType}</>;
  if (part.type !== "source-url") return null;
  const { url, title } = part;
  if (!/^https?:/i.test(url)) return <>{title || url}</>;
  return (
    <>
      <a href={url} title={url} target="_blank" rel="noopener noreferrer">
        {title || url}
      </a>{" "}
      <span class="cw-muted">{hostOf(url)}</span>
    </>
  );
}
