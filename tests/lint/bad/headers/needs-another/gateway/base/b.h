#ifndef BASE_B_H
#define BASE_B_H

size_t b(void);

#endif
