/* OpenBLAS picks its kernels when it is loaded, before main; on CPUs that are newer than it, it
 * takes old ones, at 60 % of the speed. Sets the variables that say otherwise where they are not
 * set. To be called before the exec of what loads it. */
#pragma once

void kernel_choice_set(void);
