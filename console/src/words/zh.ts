// Chinese. Ids are the English messages; a test holds that none is missing.
export const zh: Record<string, string> = {};
