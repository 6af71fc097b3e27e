//! The words around names. Each list is of words with blanks between them.

/// Words right before a name in an answer: "it's Jane", "under Doe".
pub(super) const INTRODUCING: &str = "is it's its that's i'm am im be was as by under for name names name's first last middle second full surname mr mrs ms miss mx dr doctor \
     professor sir uh um umm er erm ah oh hmm hm mm mmm and so then okay ok k yes yeah yep yup yea sure right no nope well hi hello hey good please sorry actually \
     ya yah aye em ehm eh oops oh course certainly absolutely definitely alright fine great thanks say put see here there hold look spelled spelt spelling meaning mean like called correct exactly of";

/// Words that somebody does something by, so that a verb follows: "it works".
pub(super) const SUBJECTS: &str =
    "it i i've i'd i'll you you've we we've we'll they they've he she who which everything nothing";

/// Words for somebody who has a name.
pub(super) const PERSONS: &str = "name holder owner husband wife partner son daughter mother father mom mum dad brother sister boss manager person caller customer member patient \
     guest tenant contact it this that here";

/// Words of which a thing follows: "my Comcast box".
pub(super) const OWNING: &str =
    "my your our their his her its the a an this these those any some every in on at";

/// Words that stand between the parts of a name.
pub(super) const INSIDE: &str = "and de da di do del der den dos van von la le el al bin ibn ben st san saint mc mac o as in with for like is that's then capital double hyphen dash space apostrophe \
     uh um junior senior jr sr second third spelled spelt first last middle name surname";

/// Words right behind a verb, which no name has behind it.
pub(super) const NO_SUFFIX: &str = "it me us you them him her the a an my your our their this that again up out off down back too not to so much very really now already yet still properly \
     since until when because if anymore went has had does did can could will would were are keeps";

/// Words behind a verb, which no password has behind it.
pub(super) const NO_SUFFIX_OF_PASSWORD: &str =
    "it us them him her again up off down back out properly already yet anymore me you";

/// Endings of words that tell what is done or how.
pub(super) const ENDINGS: [&str; 4] = ["ing", "ed", "ly", "n't"];

/// Names that end like such words.
pub(super) const NAMES_WITH_ENDINGS: &str = "fred alfred wilfred manfred winifred ned ted jared ahmed mohammed mohamed muhammed hamed rashed rasheed saeed sayed syed khaled waleed majed reed \
     creed freed mildred aldred eldred jarred ming jing ling ning ping qing ting xing ying king sterling stirling irving fleming browning manning harding \
     downing cushing golding goulding keating kipling rowling channing dowling spalding fielding pickering flemming emily kelly molly billy sally lily \
     polly holly willy beverly kimberly carly charly shelly nelly milly tilly dolly elly ally reilly o'reilly connolly connelly donnelly kennelly scully \
     tully daly healy mcnally mcanally lilly aly ely wally keely feely greely everly waverly ridgely";

/// Words that somebody exclaims or greets with.
pub(super) const EXCLAMATIONS: &str = "wow woah whoa yay hooray hurray hurrah oops whoops oopsie gosh goodness jeez geez ooh aah argh ugh phew damn darn heck hell god bingo voila bravo kudos ha hah haha \
     lol omg sheesh whew yippee woohoo blimey crikey ta congrats congratulations seriously pls plz kindly sec secs ya nah nope aye yo hiya howdy greetings cheerio ciao";

/// Words of everyday talk that nobody is called by: exclamations, things that customers call about, and what these do.
pub(super) const EVERYDAY: &str = "wow woah whoa yay hooray hurray hurrah oops whoops gosh goodness jeez geez  ooh aha aah argh ugh phew damn darn heck hell bingo voila bravo \
     kudos jackpot splendid marvelous marvellous magnificent terrific superb stunning incredible unbelievable impressive fabulous glad grateful relieved \
     delighted thrilled pleasant pleased legend lifesaver genius blessed luck lucky congratulations blimey crikey neat magic bless ta congrats whew yippee \
     woohoo hah haha lol omg sheesh works worked functions functioned helps helped fixes fixed solves solved sorts sorted loads loaded runs ran running \
     connects connected reconnects restarts restarted reboots rebooted blinks flashes lights beeps rings rang stops stopped starts started keeps kept stays \
     stayed comes came drops dropped fails failed freezes froze frozen crashes crashed hangs shows showed shown appears appeared disappears disappeared \
     turns goes gone looks looked feels felt says said makes made gives gave takes took gets got lets needs needed wants wanted helpful useful useless \
     wrong correct ready finished done online offline live dead alive blank red blue orange yellow solid slow fast quick quicker faster slower better worse \
     best worst perfect awful horrible broken faulty damaged stuck locked blocked empty full cheap expensive simple difficult strange weird odd funny \
     urgent important serious silly critical minor major private personal public official formal fair unfair rude polite honest legal illegal dangerous fake \
     normal usual unusual stable unstable smooth smoothly loud quiet noisy hot cold warm dirty clean huge tiny massive internet wifi wi fi router modem network \
     signal broadband connection cable cables wire wires plug socket switch button buttons device devices phone phones mobile tablet laptop computer screen \
     display keyboard mouse printer tv television remote box app apps application website site webpage browser program update updates upgrade download \
     upload login log logs battery charger light led sound volume picture video music email emails mail message messages texts text link links file files \
     photo photos package packages parcel parcels delivery deliveries courier shipment item items product products shop store warehouse invoice invoices \
     receipt bills payment payments charge charges refund refunds money dollars credit debit subscription contract plan plans tariff prices discount fee \
     fees tax deposit balance statement transaction transactions bank service services support team manager supervisor colleague technician engineer agent \
     agents representative operator company companies staff department house home kitchen room office car bus train flight flights airport hotel hotels \
     ticket tickets seat seats booking reservation trip travel luggage bag bags weather doctor hospital appointment medicine insurance claim policy school \
     kids children husband wife son daughter mother father brother sister mom mum dad family neighbor neighbour boss problem problems trouble troubles \
     issue issues error errors fault faults reason reasons idea ideas difference differences mistake mistakes matter question questions answer answers \
     complaint people person guys everyone somebody customer customers number numbers code codes order orders week weeks month months year years hour hours \
     minute minutes again always never ever maybe perhaps probably exactly indeed anyway instead otherwise everything anything something nothing nowhere \
     everywhere somewhere understand understood agree agreed disagree promise promised expect expected hoped wished guess suppose wonder wondered worry \
     worried care cared mind decide decided cancel canceled cancelled cancels change changes changed check checks checked ordered buy bought sell sold send \
     sent receive received return returned pay paid cost spend spent use used uses try tries tried ask asked tell told speak spoke spoken talk talked call \
     called calls hear heard listen listened wait waited waiting hold held leave left arrive arrived open opened opens close closed closes click clicked \
     press pressed push pushed pull pulled plugged unplug unplugged switched turn turned reset resets restart reboot install installed uninstall \
     uninstalled find found lose lost miss missed break broke fix solve help need want know knew known think thought believe believed remember remembered \
     forget forgot forgotten whatever whichever whoever however though although unless while during without within across against toward towards despite \
     except besides beyond beside behind beneath annoyed annoying angry furious upset frustrated frustrating confused confusing disappointed disgusted \
     disgusting unacceptable ridiculous outrageous shocking shocked surprised stupid crazy insane total totally complete completely absolute extremely \
     incredibly pretty kinda somewhat barely hardly nearly almost nice nicely fun cool clever tired sick ill busy late early available unavailable possible \
     impossible enough plenty coffee tea lunch dinner breakfast dog cat doorbell door window baby kid noise traffic paper glasses wallet purse bathroom \
     garden transfer transferred disconnected activate activated deactivate deactivated register registered verify verified confirm confirmed approve \
     approved reject rejected january february march july september october november december monday tuesday wednesday thursday friday saturday sunday \
     tomorrow tonight finally suddenly immediately recently actually basically literally seriously honestly hopefully apparently obviously currently \
     usually normally generally";
