/** Icons of the page, drawn here so that nothing is fetched. Decorative unless a title is given. */
import type { ReactNode } from "react";

function Icon({ children, size = 16 }: { readonly children: ReactNode; readonly size?: number }) {
  return (
    <svg
      aria-hidden="true"
      className="icon"
      fill="none"
      height={size}
      stroke="currentColor"
      strokeLinecap="round"
      strokeLinejoin="round"
      strokeWidth="1.5"
      viewBox="0 0 16 16"
      width={size}
    >
      {children}
    </svg>
  );
}

export const OpenIcon = () => (
  <Icon>
    <path d="M2 12.5v-9h4l1.5 2H14v7z" />
  </Icon>
);
export const SaveIcon = () => (
  <Icon>
    <path d="M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <rect height="8.5" rx="1.5" width="8.5" x="5" y="5" />
    <path d="M11 5V3.5A1 1 0 0 0 10 2.5H3.5a1 1 0 0 0-1 1V10a1 1 0 0 0 1 1H5" />
  </Icon>
);
export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4.5" />
    <path d="m10.5 10.5 3 3" />
  </Icon>
);
export const FollowIcon = () => (
  <Icon>
    <path d="m3.5 3.5 4.5 4 4.5-4M3.5 8.5l4.5 4 4.5-4" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="m4 4 8 8M12 4l-8 8" />
  </Icon>
);
export const HelpIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="6" />
    <path d="M6.3 6.2a1.75 1.75 0 1 1 2.5 1.7c-.5.3-.8.6-.8 1.2M8 11.3v.01" />
  </Icon>
);
export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="2.75" />
    <path d="M8 1.5v1.25M8 13.25v1.25M1.5 8h1.25M13.25 8h1.25M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9" />
  </Icon>
);
export const MoonIcon = () => (
  <Icon>
    <path d="M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z" />
  </Icon>
);
export const SystemIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" />
  </Icon>
);
export const LinkIcon = () => (
  <Icon size={12}>
    <path d="M6 3.5H3.5v9h9V10M9 3h4v4M13 3 7.5 8.5" />
  </Icon>
);
export const ErrorIcon = () => (
  <Icon size={14}>
    <path d="M8 1.8 14.5 13.5h-13zM8 6.5v3M8 11.5v.01" />
  </Icon>
);

export const DiceIcon = () => (
  <Icon>
    <rect height="11" rx="2.5" width="11" x="2.5" y="2.5" />
    <path d="M5.6 5.6v.01M10.4 5.6v.01M8 8v.01M5.6 10.4v.01M10.4 10.4v.01" strokeWidth="2" />
  </Icon>
);
export const RunIcon = () => (
  <Icon size={12}>
    <path d="M4 2.5v11l9-5.5z" fill="currentColor" />
  </Icon>
);
export const StopIcon = () => (
  <Icon size={12}>
    <rect fill="currentColor" height="9" width="9" x="3.5" y="3.5" />
  </Icon>
);

/** The mark: a pane of glass with a line of light. */
export function Mark() {
  return (
    <svg aria-hidden="true" className="mark" height="22" viewBox="0 0 22 22" width="22">
      <rect className="mark-pane" height="17" rx="3.5" width="17" x="2.5" y="2.5" />
      <path className="mark-line" d="M7 2.5v17M15 2.5v17" />
      <path className="mark-arrow" d="M7 8h7.2m-2-2 2 2-2 2M15 14H7.8m2-2-2 2 2 2" />
    </svg>
  );
}
