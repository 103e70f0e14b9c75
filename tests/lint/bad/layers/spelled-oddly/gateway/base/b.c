  #  include "config/config.h" /* words */
