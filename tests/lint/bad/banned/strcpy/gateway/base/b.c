int b(void);
int b(void)
{
	return (int)strcpy (0);
}
