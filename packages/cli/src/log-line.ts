import { showLogText, type LogEntry } from '@cooperage/protocol';

/** One line, or more when the text has more: time of day, who, and what; a level that is not the usual one. */
export const formatLogEntry = ({
  at,
  label,
  level,
  text,
}: LogEntry): string => {
  const time = new Date(at).toISOString().slice(11, 23);
  const mark = level === 'log' || level === 'info' ? '' : `${level}: `;
  return `${time} ${label}: ${mark}${showLogText(text)}`;
};
