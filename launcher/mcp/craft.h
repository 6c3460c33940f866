/* What clients are told of how to steer a run: the one prompt, and the instructions of the server.
 * Texts only. */
#pragma once

extern const char craft_name[], craft_title[], craft_description[];
extern const char craft_instructions[]; /* some sentences, for every client at its start */
extern const char craft_text[];         /* a page */
