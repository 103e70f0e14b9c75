int b(void);
int b(void)
{
	return (int)strncpy (0);
}
