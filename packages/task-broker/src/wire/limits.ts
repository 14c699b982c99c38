/** Bytes of a value or result that an engine is given, unless `valueLimit` says otherwise. */
export const VALUE_LIMIT = 262_144;
