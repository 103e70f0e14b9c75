#ifndef BASE_B_H
#define BASE_C_H

int b(void);

#endif
